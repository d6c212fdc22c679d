"""Pictures of how sales went: figures at the top, bars by day and by product, and the way from a screen to a payment.

Only what stands in a picture is here; it is drawn elsewhere (`papers/drawing.py`, by way of `papers/studio.py`).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

MOST_PRODUCTS = 8  # of one picture; more would not be read on a phone
MOST_DAYS = 120


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is read first, as it is written, under its name."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with its name, its length, and what is written beside it; `line` is a second value, drawn as a line through all bars."""

    label: str
    value: float
    told: str = ""
    line: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars under a heading: upright ones by day, or one below another. `legend` names the bars and the line where there is one."""

    title: str
    bars: tuple[Bar, ...]
    upright: bool = False
    legend: tuple[str, ...] = ()
    empty: str = ""  # what stands there when there are no bars


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole picture."""

    title: str
    subtitle: str
    figures: tuple[Figure, ...]
    panels: tuple[Panel, ...]
    footer: str = ""

    def written(self) -> bytes:
        """One line of JSON: what goes to whoever draws it."""
        return json.dumps(asdict(self), ensure_ascii=True, allow_nan=False).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes) -> Chart:
        """What `written` wrote."""
        said = json.loads(line)
        panels = tuple(
            Panel(one["title"], tuple(Bar(**bar) for bar in one["bars"]), one["upright"], tuple(one["legend"]), one["empty"])
            for one in said["panels"]
        )
        figures = tuple(Figure(**one) for one in said["figures"])
        return cls(said["title"], said["subtitle"], figures, panels, said["footer"])
