"""Charts: written and read again, drawn in a process of their own, which may break without anybody else noticing."""

from __future__ import annotations

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from papers import studio as studios
from papers.charts import Bar, Chart, Figure, Panel
from papers.drawing import chart_png
from papers.studio import NotDrawn, Studio

numbers = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12)
bars = st.builds(Bar, label=st.text(max_size=30), value=numbers, told=st.text(max_size=30), line=st.none() | numbers)
panels = st.builds(
    Panel,
    title=st.text(max_size=40),
    bars=st.lists(bars, max_size=5).map(tuple),
    upright=st.booleans(),
    legend=st.sampled_from([(), ("Sales",), ("Продажи", "利润")]),
    empty=st.text(max_size=20),
)
charts = st.builds(
    Chart,
    title=st.text(max_size=60),
    subtitle=st.text(max_size=60),
    figures=st.lists(st.builds(Figure, label=st.text(max_size=30), value=st.text(max_size=30)), max_size=7).map(tuple),
    panels=st.lists(panels, max_size=3).map(tuple),
    footer=st.text(max_size=60),
)

CHART = Chart(
    "Dawn Cards 晨光卡店",
    "24.10.2026 – 22.11.2026",
    (Figure("Продажи", "¥12,345.67"),),
    (Panel("By day", tuple(Bar(f"{n}", n * 10.0, line=n * 2.0) for n in range(30)), True, ("Sales", "Margin")),),
)


@pytest.fixture
async def studio() -> AsyncIterator[Studio]:
    one = Studio()
    yield one
    await one.close()


def size_of(picture: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(picture)) as image:
        return image.size


@given(charts)
def test_a_chart_is_read_as_it_was_written_on_one_line(chart: Chart) -> None:
    assert chart.written().count(b"\n") == 1 and Chart.read(chart.written()) == chart


@settings(max_examples=15, deadline=None)
@given(charts)
def test_whatever_stands_in_a_chart_it_is_drawn(chart: Chart) -> None:
    assert size_of(chart_png(chart))[0] == 1080


async def test_charts_are_drawn_one_after_another_by_one_process(studio: Studio) -> None:
    first, second = await asyncio.gather(studio.draw(CHART), studio.draw(CHART))
    assert size_of(first) == size_of(second) and first == second
    assert first != await studio.draw(Chart("Another", "", (), ()))


async def test_a_process_that_dies_costs_one_picture_and_the_next_is_drawn_by_another(studio: Studio) -> None:
    await studio.draw(CHART)
    worker = studio._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGSTOP)  # it hangs
    asked = asyncio.create_task(studio.draw(CHART))
    await asyncio.sleep(0)
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(NotDrawn):
        await asked
    assert size_of(await studio.draw(CHART))[0] == 1080


async def test_a_process_that_hangs_is_ended_in_time(studio: Studio) -> None:
    await studio.draw(CHART)
    worker = studio._worker
    assert worker is not None
    studio._patience = 0.2
    os.kill(worker.pid, signal.SIGSTOP)
    with pytest.raises(NotDrawn):
        await studio.draw(CHART)
    assert worker.returncode == -signal.SIGKILL


async def test_a_chart_that_cannot_be_drawn_is_told_and_the_process_goes_on(studio: Studio) -> None:
    await studio.draw(CHART)
    worker = studio._worker
    with pytest.raises(NotDrawn):
        await studio.draw(Chart("x", "", (), (Panel("p", (Bar("b", "no number"),)),)))  # type: ignore[arg-type]
    assert studio._worker is worker and size_of(await studio.draw(CHART))[0] == 1080


async def test_who_asks_when_too_many_wait_is_refused_at_once(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studios, "MOST_WAITING", 2)
    done = await asyncio.gather(*(studio.draw(CHART) for _ in range(4)), return_exceptions=True)
    assert [type(one) for one in done] == [bytes, bytes, NotDrawn, NotDrawn]


async def test_nobody_wanting_a_chart_ends_the_process_and_the_next_begins_another() -> None:
    studio = Studio(idle_seconds=0.05)
    await studio.draw(CHART)
    worker = studio._worker
    assert worker is not None
    assert await worker.wait() == 0 and studio._worker is None
    assert size_of(await studio.draw(CHART))[0] == 1080
    await studio.close()


async def test_the_process_knows_nothing_of_the_shops_settings(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "a-secret")
    await studio.draw(CHART)
    assert studio._worker is not None
    with open(f"/proc/{studio._worker.pid}/environ", "rb") as environment:  # noqa: ASYNC230
        assert b"SHOP_" not in environment.read()
