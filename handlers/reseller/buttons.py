"""The buttons of the reseller's side."""

from __future__ import annotations

from aiogram.filters.callback_data import CallbackData

from core.onboarding import Legal
from core.resellers import Asked
from handlers.callbacks import Number, Page, Short


class Home(CallbackData, prefix="rs"):
    """Where somebody stands: the application, or the reseller's home. `fresh`: as a new message."""

    fresh: bool = False


class Begin(CallbackData, prefix="rsb"):
    """Begin to apply, or go on with what was begun."""


class Answer(CallbackData, prefix="rsa"):
    """Answer one question again."""

    id: Number
    asked: Asked


class Choose(CallbackData, prefix="rsl"):
    """A company or a person."""

    id: Number
    legal: Legal


class Look(CallbackData, prefix="rso"):
    """Everything that was answered."""

    id: Number


class Send(CallbackData, prefix="rss"):
    id: Number
    version: Short


class Withdraw(CallbackData, prefix="rsw"):
    id: Number
    version: Short
    sure: bool = False


class Prices(CallbackData, prefix="rsp"):
    """What the reseller pays, by page."""

    page: Page = 0
