"""The shops that supply us, found by being in this folder: each file has a `PROTOCOL` and `shop(settings)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from types import ModuleType

from connectors.settings import SetUpWrong
from core.ports import UpstreamProtocol, UpstreamShop

__all__ = ["protocols", "upstream"]


def _files() -> dict[str, ModuleType]:
    found: dict[str, ModuleType] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if not module.name.startswith("_"):
            file = importlib.import_module(f"{__name__}.{module.name}")
            assert file.PROTOCOL.name not in found, f"two protocols are called {file.PROTOCOL.name}"
            found[file.PROTOCOL.name] = file
    return found


def protocols() -> dict[str, UpstreamProtocol]:
    """Every protocol that is here with the settings it needs, by name, in the order of the files."""
    return {name: file.PROTOCOL for name, file in _files().items()}


def upstream(protocol: str, settings: Mapping[str, str]) -> UpstreamShop:
    """A connection by this protocol; `settings` has the names that the protocol lists. Asks nothing yet. Raises SetUpWrong."""
    file = _files().get(protocol)
    if file is None:
        raise SetUpWrong(f"No protocol is called so: {protocol[:16]}.")
    made: UpstreamShop = file.shop(settings)
    return made
