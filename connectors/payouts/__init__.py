"""Ways to pay suppliers, found by being in this folder: each file has a `methods(settings)` that says what is set up."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from core.ports import PayoutMethod

__all__ = ["payout_methods"]


def payout_methods(settings: Mapping[str, str]) -> dict[str, PayoutMethod]:
    """Every way to pay that is set up, by its name. Raises SetUpWrong."""
    found: dict[str, PayoutMethod] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            for method in importlib.import_module(f"{__name__}.{module.name}").methods(settings):
                found[method.name] = method
    return found
