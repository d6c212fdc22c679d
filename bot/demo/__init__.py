"""The demo: a believable shelf, a local Telegram with phones for several people, and the real bot between them."""
