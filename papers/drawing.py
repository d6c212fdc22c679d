"""Draws charts with matplotlib, in a process of its own: `python -m papers.drawing` takes a chart a line and answers with a PNG each.

Matplotlib is large, slow to load and no friend of threads; nothing else imports it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from papers.charts import MOST_DAYS, MOST_PRODUCTS, Chart, Figure, Panel
from papers.pictures import drawable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DPI, _WIDTH = 120, 9.0  # 1080 pixels, as the other pictures
_FONTS = Path(__file__).parent / "fonts"
_PAPER, _CARD, _RULE = "#F3F5F8", "#FFFFFF", "#E3E7ED"
_INK, _SOFT, _ACCENT, _LINE = "#16202E", "#66738A", "#2456C8", "#E08A1E"
_TICKS = 6  # days that are named under upright bars


def _font(size: float, *, bold: bool = False) -> FontProperties:
    return FontProperties(fname=str(_FONTS / f"NotoSansCJKsc-{'Bold' if bold else 'Regular'}.otf"), size=size)


def chart_png(chart: Chart) -> bytes:
    """The chart as a PNG 1080 pixels wide, as high as it needs."""
    heights = [3.1 if panel.upright else 0.9 + 0.42 * max(1, min(len(panel.bars), MOST_PRODUCTS)) for panel in chart.panels]
    rows = -(-len(chart.figures) // 3)
    head, foot = 1.15 + 0.95 * rows, 0.5 if chart.footer else 0.2
    height = head + sum(one + 0.25 for one in heights) + foot
    canvas = Canvas(figsize=(_WIDTH, height), dpi=_DPI, facecolor=_PAPER)
    canvas.text(0.04, 1 - 0.42 / height, _cut(chart.title, 34), fontproperties=_font(21, bold=True), color=_INK, va="center")
    canvas.text(0.04, 1 - 0.84 / height, _cut(chart.subtitle, 64), fontproperties=_font(13), color=_SOFT, va="center")
    for number, figure in enumerate(chart.figures):
        _figure(canvas, figure, number, height)
    top = head
    for panel, tall in zip(chart.panels, heights, strict=True):
        _panel(canvas, panel, top, tall, height)
        top += tall + 0.25
    if chart.footer:
        canvas.text(0.04, 0.25 / height, _cut(chart.footer, 90), fontproperties=_font(10), color=_SOFT, va="center")
    made = io.BytesIO()
    canvas.savefig(made, format="png", facecolor=_PAPER)
    return made.getvalue()


def _cut(text: str, most: int) -> str:
    """As much of it as stands on a line: a Chinese character is as wide as two others."""
    text, width = drawable(text), 0
    for place, character in enumerate(text):
        width += 2 if ord(character) >= 0x2E80 else 1
        if width > most:
            return text[:place].rstrip() + "…"
    return text


def _figure(canvas: Canvas, figure: Figure, number: int, height: float) -> None:
    down, across = divmod(number, 3)
    x, y = 0.04 + across * 0.315, 1 - (1.15 + 0.95 * down) / height
    _card(canvas, x, y - 0.8 / height, 0.29, 0.8 / height, height)
    canvas.text(x + 0.016, y - 0.24 / height, _cut(figure.label, 24), fontproperties=_font(11), color=_SOFT, va="center")
    value = drawable(figure.value)
    size = 19.0 if len(value) <= 12 else 19.0 * 12 / len(value)
    canvas.text(x + 0.016, y - 0.56 / height, value, fontproperties=_font(size, bold=True), color=_INK, va="center")


def _card(canvas: Canvas, x: float, y: float, wide: float, tall: float, height: float) -> None:
    # `mutation_aspect` keeps the corners round on a canvas that is not square.
    card = FancyBboxPatch(
        (x, y),
        wide,
        tall,
        boxstyle="round,pad=0,rounding_size=0.018",
        mutation_aspect=_WIDTH / height,
        facecolor=_CARD,
        edgecolor="none",
        transform=canvas.transFigure,
        zorder=-1,
    )
    canvas.add_artist(card)


def _panel(canvas: Canvas, panel: Panel, top: float, tall: float, height: float) -> None:
    _card(canvas, 0.04, 1 - (top + tall) / height, 0.92, tall / height, height)
    canvas.text(0.07, 1 - (top + 0.33) / height, _cut(panel.title, 60), fontproperties=_font(14, bold=True), color=_INK, va="center")
    if not panel.bars:
        middle = 1 - (top + tall / 2 + 0.15) / height
        canvas.text(0.5, middle, _cut(panel.empty, 70), fontproperties=_font(12), color=_SOFT, va="center", ha="center")
        return
    if panel.upright:
        _upright(canvas, panel, top, tall, height)
    else:
        _lying(canvas, panel, top, tall, height)


def _upright(canvas: Canvas, panel: Panel, top: float, tall: float, height: float) -> None:
    legend = 0.25 if panel.legend else 0.0
    axes = canvas.add_axes((0.125, 1 - (top + tall - 0.45) / height, 0.805, (tall - 1.1 - legend) / height))
    _bare(axes)
    bars = panel.bars[-MOST_DAYS:]
    places = range(len(bars))
    axes.bar(places, [bar.value for bar in bars], color=_ACCENT, width=0.72)
    if any(bar.line is not None for bar in bars):
        # A day without the value breaks the line.
        line = [float("nan") if bar.line is None else bar.line for bar in bars]
        axes.plot(places, line, color=_LINE, linewidth=2.2, marker="o", markersize=3.5)
    step = max(1, -(-len(bars) // _TICKS))
    named = list(places)[::-1][::step][::-1]  # the newest day always has its name
    axes.set_xticks(named, [drawable(bars[place].label) for place in named], fontproperties=_font(10), color=_SOFT)
    axes.set_xlim(-0.6, len(bars) - 0.4)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    for label in axes.get_yticklabels():
        label.set(fontproperties=_font(10), color=_SOFT)
    axes.grid(axis="y", color=_RULE, linewidth=1)
    axes.set_axisbelow(True)
    x = 0.07
    for name, colour in zip(panel.legend, (_ACCENT, _LINE), strict=False):
        y = 1 - (top + 0.68) / height
        canvas.text(x, y, "■", fontproperties=_font(11), color=colour, va="center")
        said = canvas.text(x + 0.025, y, drawable(name), fontproperties=_font(11), color=_SOFT, va="center")
        x += 0.06 + said.get_window_extent().width / (_WIDTH * _DPI)


def _lying(canvas: Canvas, panel: Panel, top: float, tall: float, height: float) -> None:
    bars = panel.bars[:MOST_PRODUCTS]
    longest = max((bar.value for bar in bars), default=0) or 1
    for number, bar in enumerate(bars):
        y = 1 - (top + 0.82 + 0.42 * number) / height
        canvas.text(0.07, y, _cut(bar.label, 28), fontproperties=_font(11.5), color=_INK, va="center")
        wide = 0.36 * max(0.0, bar.value) / longest
        canvas.add_artist(_strip(canvas, 0.39, y, 0.36, height, _RULE))
        if wide > 0:
            canvas.add_artist(_strip(canvas, 0.39, y, max(wide, 0.004), height, _ACCENT))
        canvas.text(0.93, y, _cut(bar.told, 26), fontproperties=_font(11, bold=True), color=_INK, va="center", ha="right")


def _strip(canvas: Canvas, x: float, y: float, wide: float, height: float, colour: str) -> FancyBboxPatch:
    tall = 0.17 / height
    return FancyBboxPatch(
        (x, y - tall / 2), wide, tall, boxstyle="square,pad=0", facecolor=colour, edgecolor="none", transform=canvas.transFigure
    )


def _bare(axes: Axes) -> None:
    axes.set_facecolor(_CARD)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_RULE)
    axes.tick_params(length=0)


def _short(value: float) -> str:
    """A number for an axis, in few characters."""
    for size, mark in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g}{mark}".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def main() -> None:
    """A chart a line from standard input; the length of its PNG in four bytes and the PNG to standard output, until there are no more.

    What cannot be drawn is answered with the length 0.
    """
    matplotlib.use("Agg")
    while line := sys.stdin.buffer.readline():
        try:
            drawn = chart_png(Chart.read(line))
        except Exception as broken:  # Whatever it is, the next chart is another; the asker is told that this one failed.
            sys.stderr.write(f"{type(broken).__name__}\n")
            drawn = b""
        sys.stdout.buffer.write(len(drawn).to_bytes(4, "big") + drawn)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
