"""The languages of the shop: every sentence, price, number and date that a person reads is said by a `Speech`.

A sentence stands in the source in English (`speech.say("Paid {price}.", price=…)`) and is translated in
`locales/<language>/LC_MESSAGES/messages.po`; a new folder is a new language. `python -m locales.check` finds what is missing.
"""

from locales.speech import N_, NN_, Safe, Speech, shop_timezone
from locales.tongues import languages, match, own_name

__all__ = ["NN_", "N_", "Safe", "Speech", "languages", "match", "own_name", "shop_timezone"]
