"""The shared order core: what is sold, to whom, for how much, and what happened; it knows no Telegram, no HTTP and no language."""
