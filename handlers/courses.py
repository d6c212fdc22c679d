"""How sales went over the last days, as a picture with a few words: for the staff and for resellers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from aiogram.types import BufferedInputFile, InlineKeyboardButton, Message

from core.database import utc_now
from core.insight import Course
from core.money import exponent
from handlers.pieces import Row, bold, keyboard, lines, paragraphs, within
from locales import Safe, Speech
from papers.charts import MOST_PRODUCTS, Bar, Chart, Figure, Panel
from papers.studio import NotDrawn, Studio

MOST_CAPTION = 1000  # characters under a picture; Telegram takes 1024


def _ratio(part: int, whole: int, speech: Speech) -> str:
    return speech.percent((Decimal(part) / whole).quantize(Decimal("0.001"))) if whole else "–"


def told(course: Course, speech: Speech, title: str) -> Safe:
    """The same in some lines: what is read when the picture cannot be looked at."""
    first, last = course.days[0].day, course.days[-1].day
    margin = course.margin_minor
    best = [f"{one.product.name} · {speech.price(one.sales_minor, course.currency)}" for one in course.products[:3]]
    return paragraphs(
        lines(bold(title), f"{speech.day(first)} – {speech.day(last)}"),
        lines(
            speech.say("Sales: {amount}", amount=bold(speech.price(course.sales_minor, course.currency))),
            speech.say("Orders: {n}", n=speech.number(course.orders)),
            speech.say("Cards sold: {n}", n=speech.number(course.units)),
            speech.say("Margin: {amount}", amount=speech.price(margin, course.currency)) if margin is not None else None,
            speech.say(
                "Of {seen} visits {paid} paid ({percent})",
                seen=speech.number(course.visitors),
                paid=speech.number(course.paid),
                percent=_ratio(course.paid, course.visitors, speech),
            )
            if course.visitors
            else None,
        ),
        lines(speech.say("What brought most:"), *(Safe("• ") + one for one in best)) if best else None,
    )


def spent(course: Course, speech: Speech, title: str) -> Safe:
    """What one buyer bought, in some lines."""
    first, last = course.days[0].day, course.days[-1].day
    best = [f"{one.product.name} · {speech.price(one.sales_minor, course.currency)}" for one in course.products[:3]]
    return paragraphs(
        lines(bold(title), f"{speech.day(first)} – {speech.day(last)}"),
        lines(
            speech.say("Bought for: {amount}", amount=bold(speech.price(course.sales_minor, course.currency))),
            speech.say("Orders: {n}", n=speech.number(course.orders)),
            speech.say("Cards bought: {n}", n=speech.number(course.units)),
        ),
        lines(speech.say("Most of it:"), *(Safe("• ") + one for one in best)) if best else None,
    )


def chart(course: Course, speech: Speech, title: str, *, of_storefront: bool) -> Chart:
    """What stands in the picture; the way from the screen to the payment only of a storefront."""
    currency, unit = course.currency, 10 ** exponent(course.currency)
    first, last = course.days[0].day, course.days[-1].day
    margin = course.margin_minor
    figures = [
        Figure(speech.label("Sales") if of_storefront else speech.label("Bought for"), speech.price(course.sales_minor, currency)),
        Figure(speech.label("Orders"), speech.number(course.orders)),
        Figure(speech.label("Cards"), speech.number(course.units)),
    ]
    if margin is not None and of_storefront:
        figures.append(Figure(speech.label("Margin"), speech.price(margin, currency)))
    if of_storefront:
        figures.append(Figure(speech.label("Visits"), speech.number(course.visitors)))
        figures.append(Figure(speech.label("Paid of visits"), _ratio(course.paid, course.visitors, speech)))
    sold = any(day.orders or day.sales_minor for day in course.days)
    nothing = speech.label("Nothing in these days.")
    by_day = tuple(
        Bar(
            speech.short_day(day.day),
            day.sales_minor / unit,
            line=None if margin is None or day.margin_minor is None or not of_storefront else day.margin_minor / unit,
        )
        for day in course.days
    )
    by_product = tuple(
        Bar(one.product.name, one.sales_minor / unit, f"{speech.price(one.sales_minor, currency)} · {speech.number(one.units)}")
        for one in course.products[:MOST_PRODUCTS]
    )
    legend = (speech.label("Sales"), speech.label("Margin")) if of_storefront and margin is not None else ()
    panels = [
        Panel(speech.label("By day"), by_day if sold else (), True, legend, nothing),
        Panel(speech.label("By product"), by_product, empty=nothing),
    ]
    if of_storefront:
        panels.append(Panel(speech.label("From the screen to the payment"), _way(course, speech), empty=speech.label("Nobody looked yet.")))
    made = speech.label("Made {when}", when=speech.when(utc_now()))
    return Chart(title, f"{speech.day(first)} – {speech.day(last)}", tuple(figures), tuple(panels), made)


def _way(course: Course, speech: Speech) -> tuple[Bar, ...]:
    if not course.visitors:
        return ()
    steps = (
        (speech.label("Opened a product"), course.visitors),
        (speech.label("Began to buy"), course.ordered),
        (speech.label("Paid"), course.paid),
    )
    return tuple(
        Bar(name, n, f"{speech.number(n)} · {_ratio(n, course.visitors, speech)}" if place else speech.number(n))
        for place, (name, n) in enumerate(steps)
    )


async def send(message: Message, said: Safe, drawn: Chart, studio: Studio | None, speech: Speech, rows: Sequence[Row]) -> None:
    """The picture with the words under it; the words alone where it cannot be drawn."""
    keys = keyboard(rows)
    try:
        if studio is None:
            raise NotDrawn
        picture = await studio.draw(drawn)
    except NotDrawn:
        await message.answer(paragraphs(said, speech.say("The picture cannot be drawn just now.")), reply_markup=keys)
        return
    await message.answer_photo(BufferedInputFile(picture, "course.png"), caption=within(said, MOST_CAPTION), reply_markup=keys)


def days_row(days: int, speech: Speech, offered: Sequence[int], to: Callable[[str, int], InlineKeyboardButton]) -> Row:
    """A button for each span that can be looked at, the one that is shown marked."""
    return [to(("• " if one == days else "") + speech.label_many("{n} day", "{n} days", one), one) for one in offered]
