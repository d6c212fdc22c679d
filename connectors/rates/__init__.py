"""Where exchange rates come from, found by being in this folder: each file has a `NAME` and `source(settings)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from connectors.settings import SetUpWrong
from core.ports import RateSource

__all__ = ["rate_source"]


def rate_source(settings: Mapping[str, str]) -> RateSource | None:
    """The source that SHOP_RATES_FROM names; None when it names none.

    A file's `source(settings)` reads SHOP_RATES_URL and SHOP_RATES_KEY as far as it needs them. Raises SetUpWrong.
    """
    wanted = settings.get("SHOP_RATES_FROM", "").strip().lower()
    if not wanted:
        return None
    found = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            file = importlib.import_module(f"{__name__}.{module.name}")
            found[file.NAME] = file
    if wanted not in found:
        raise SetUpWrong(f"SHOP_RATES_FROM names no source of exchange rates that is here: it is one of {', '.join(found)}.")
    made: RateSource = found[wanted].source(settings)
    return made
