"""The ways to be paid, found by being in this folder: each file has `methods(calls, settings)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from core.ports import PaymentMethod, TelegramCalls

__all__ = ["methods"]


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> dict[str, PaymentMethod]:
    """Every way to be paid that the settings allow, by name, in the order of the files.

    A file's `methods(calls, settings)` reads the names it knows from `settings` (as in the environment, such as
    `SHOP_STRIPE_KEY`) and returns nothing when it is not set up. Raises SetUpWrong when it is set up wrongly.
    """
    found: dict[str, PaymentMethod] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        for made in importlib.import_module(f"{__name__}.{module.name}").methods(calls, settings):
            assert made.name not in found, f"two ways to be paid are called {made.name}"
            found[made.name] = made
    return found
