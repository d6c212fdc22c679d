"""Today in figures."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import insight
from handlers import courses
from handlers.admin.desk import Desk, Go, go
from handlers.pieces import bold, lines, paragraphs
from papers.studio import Studio


def router() -> Router:
    made = Router(name="admin-figures")
    made.callback_query.register(today, Go.filter(F.to == "today"))
    made.callback_query.register(last_days, Go.filter(F.to == "courses"))
    return made


async def last_days(press: CallbackQuery, callback_data: Go, desk: Desk, studio: Studio | None = None) -> None:
    """The picture of some days, as a message of its own."""
    say, days = desk.speech, callback_data.id if callback_data.id in insight.DAYS else insight.DAYS[0]
    if not isinstance(press.message, Message):
        return
    course = await desk.shop.read(insight.course_of_storefront, desk.storefront.id, days=days, timezone=say.timezone)
    title = desk.storefront.name
    row = courses.days_row(days, say, insight.DAYS, lambda label, one: go(label, "courses", one))
    drawn = courses.chart(course, say, title, of_storefront=True)
    await courses.send(press.message, courses.told(course, say, title), drawn, studio, say, [row])


async def today(press: CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    day = await desk.shop.read(insight.today, desk.storefront.id, timezone=say.timezone)
    deposits = [
        say.say(
            "• {method}: {amount} ({n})",
            method=deposit.label,
            amount=say.price(deposit.amount_minor, deposit.currency),
            n=say.number(deposit.count),
        )
        for deposit in day.deposits
    ]
    waiting = day.waiting
    text = paragraphs(
        bold(say.label("Today, {day}", day=say.day(day.day))),
        lines(
            say.say("Orders: {n}", n=say.number(day.orders)),
            say.say("Cards sold: {n}", n=say.number(day.units)),
            say.say("Sales: {amount}", amount=say.price(day.sales_minor, day.currency)),
            say.say("Refunded, not counted in the sales: {amount}", amount=say.price(day.refunded_minor, day.currency))
            if day.refunded_minor
            else None,
            say.say("Cost: {cost}", cost=say.price(day.cost_minor, day.currency)),
            say.say("Margins of resellers' own bots: {amount}", amount=say.price(day.margins_minor, day.currency))
            if day.margins_minor
            else None,
            say.say("Profit: {amount}", amount=say.price(day.profit_minor, day.currency)),
            say.say(
                "Costs in other currencies, not counted in the profit: {amounts}",
                amounts=say.listing(say.price(minor, currency) for currency, minor in day.other_costs_minor.items()),
            )
            if day.other_costs_minor
            else None,
        ),
        lines(say.say("Paid in:"), *deposits) if deposits else say.say("Nothing was paid in."),
        lines(
            say.say("New customers: {n}", n=say.number(day.new_customers)),
            say.say("Denominations sold out: {n}", n=say.number(day.stock_outs)),
            say.say("Messages waiting to be sent: {n}", n=say.number(waiting.open)),
            say.say("Messages waiting for people to come back: {n}", n=say.number(waiting.parked)),
            say.say("The oldest has waited since {when}.", when=say.when(waiting.oldest_made_at)) if waiting.oldest_made_at else None,
        ),
    )
    course = go(say.label("📈 The last days"), "courses", insight.DAYS[0])
    await desk.show(press, text, [[go(say.label("🔄 Refresh"), "today"), go(say.label("📦 Stock"), "stock")], [course, desk.home()]])
