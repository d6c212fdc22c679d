"""The bots of the demo, known to nobody but its sandbox: token, username, name."""

OWN_BOT = ("7000000002:AAsandbox-star-cards-bot-0000000", "star_cards_bot", "星辰卡店 Star Cards")
"""The reseller's own bot."""
