"""Registers of certificates, found by being in this folder: each file has `registers(settings)`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping

from core.ports import CertificateRegister

__all__ = ["registers"]


def registers(settings: Mapping[str, str]) -> dict[str, CertificateRegister]:
    """Every register that the settings allow, by name, in the order of the files.

    A file's `registers(settings)` reads the names it knows (as in the environment, such as `SHOP_CERTIFICATES_URL`) and returns
    nothing when it is not set up. Raises SetUpWrong when it is set up wrongly.
    """
    found: dict[str, CertificateRegister] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name.startswith("_"):
            continue
        for made in importlib.import_module(f"{__name__}.{module.name}").registers(settings):
            assert made.name not in found, f"two registers are called {made.name}"
            found[made.name] = made
    return found
