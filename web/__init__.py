"""The HTTP doors on the order core: Telegram's webhook, health and metrics."""
