"""The ways to be paid, found by being in this folder: each file has `method(calls, settings)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from core.ports import PaymentMethod, TelegramCalls

__all__ = ["methods"]


def methods(calls: TelegramCalls, settings: Mapping[str, str]) -> dict[str, PaymentMethod]:
    """Every way to be paid that the settings allow, by name, in the order of the files.

    A file's `method(calls, settings)` reads the names it knows from `settings` (as in the environment, such as
    `SHOP_STRIPE_KEY`) and returns None when it is not set up. Raises what it raises when it is set up wrongly.
    """
    found: dict[str, PaymentMethod] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        made: PaymentMethod | None = importlib.import_module(f"{__name__}.{module.name}").method(calls, settings)
        if made is not None:
            assert made.name not in found, f"two ways to be paid are called {made.name}"
            found[made.name] = made
    return found
