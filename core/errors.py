"""Refusals: answers that say no, as data, with a sentence marked for translation."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any, ClassVar


def N_(sentence: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is said."""
    return sentence


class Refusal(Exception):
    """The core says no, nothing was changed, and `says` with the facts tells the person what to do.

    Facts are the dataclass fields of the subclass. A field called `<name>_minor` is an amount in minor units of the
    field `currency`; it is said as `{name}`.
    """

    says: ClassVar[str] = N_("That did not work. Nothing was changed; please try again.")

    def facts(self) -> dict[str, object]:
        """The facts by name, as given."""
        this: Any = self
        return {f.name: getattr(this, f.name) for f in fields(this)} if is_dataclass(this) else {}

    def __str__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in self.facts().items())})"
