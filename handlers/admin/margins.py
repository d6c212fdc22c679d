"""What prices must leave above their costs: how they were, the smallest margin, and what is proposed when a cost has risen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message

from core import pricing, supply
from core.catalog import Gone
from core.database import Shop
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from core.supply import Outcome, Prices, RepricingView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, NotPositive, Question, ask, do, go
from handlers.admin.offers import name_of, named
from handlers.pieces import Row, bold, clipped, keyboard, lines, paragraphs
from handlers.typed import percent_typed
from locales import Safe, Speech

_VERSIONS = 10  # of a price, on one screen


@dataclass(eq=False)
class NotAMargin(Refusal):
    says: ClassVar[str] = N_("“{text}” is not a margin. Please type a percentage from 0 to 90, such as 2.5")

    text: str


def router() -> Router:
    made = Router(name="admin-margins")
    looks: dict[str, Callable[..., Any]] = {"price-hist": price_history, "price-rule": rule, "reprices": reprices, "reprice": one_reprice}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts: dict[str, Callable[..., Any]] = {"rule-loss": never_below_cost, "rp-take": take_price, "rp-skip": ignore_price}
    for act, change in acts.items():
        made.callback_query.register(change, Do.filter(F.act == act))
    return made


async def price_history(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    _, name = await named(desk, callback_data.id)
    versions = await desk.shop.read(pricing.history, storefront_id=desk.storefront.id, sku_id=callback_data.id, limit=_VERSIONS)
    told = []
    for since, price in versions:
        facts = {"when": say.when(since), "price": say.price(price.retail_minor, price.currency)}
        if price.wholesale_minor is None:
            told.append(say.say("• {price} since {when}", **facts))
        else:
            wholesale = say.price(price.wholesale_minor, price.currency)
            told.append(say.say("• {price}, wholesale {wholesale}, since {when}", wholesale=wholesale, **facts))
    rows: list[Row] = [[go(say.label("‹ Back"), "offers", callback_data.id), desk.home()]]
    none = say.say("It has no price, so nobody can buy it yet.")
    await desk.show(press, paragraphs(bold(name), lines(*told) if told else none), rows)


async def rule(press: CallbackQuery, desk: Desk) -> None:
    await _show_rule(press, desk)


async def _show_rule(event: Message | CallbackQuery, desk: Desk) -> None:
    say, found = desk.speech, await desk.shop.read(supply.rule_of, desk.storefront.id)
    text = paragraphs(
        bold(say.label("Margins")),
        say.say(
            "When a cost leaves less than {margin} of a price, you are told, and another price is proposed.",
            margin=bold(say.percent(Decimal(found.least_margin_bp) / 10_000)),
        ),
        say.say("🛡 Nothing is sold below its cost: such an offer stops until its price or cost has changed.")
        if found.never_below_cost
        else say.say("What costs more than its price is sold all the same, and the shop pays the difference."),
    )
    switch = (
        do(say.label("Sell below cost, too"), "rule-loss", arg="0")
        if found.never_below_cost
        else do(say.label("🛡 Never sell below cost"), "rule-loss", arg="1")
    )
    await desk.show(event, text, [[ask(say.label("Smallest margin"), "rule.margin")], [switch], desk.back("reprices")])


async def never_below_cost(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(supply.set_rule, storefront_id=desk.storefront.id, never_below_cost=callback_data.arg == "1", by=desk.by)
    await _show_rule(press, desk)


async def _ask_margin(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type how much of each price must be left above the cost, in per cent, for example: <i>2.5</i>")


async def _take_margin(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    margin = percent_typed(text, most=90)
    if margin is None:
        raise NotAMargin(text=text[:20])
    await desk.shop.write(supply.set_rule, storefront_id=desk.storefront.id, least_margin_bp=margin, by=desk.by)
    await _show_rule(message, desk)


QUESTIONS["rule.margin"] = Question(_ask_margin, _take_margin, "price-rule")


async def reprices(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_reprices(press, desk, callback_data.page)


async def _show_reprices(event: Message | CallbackQuery, desk: Desk, page: int = 0) -> None:
    say = desk.speech
    found = await desk.shop.read(supply.repricings, storefront_id=desk.storefront.id, limit=PAGE, page=page)
    rows: list[Row] = []
    for one in found:
        _, name = await named(desk, one.sku_id)
        change = f"{say.price(one.before.retail_minor, one.currency)} → {say.price(one.proposed.retail_minor, one.currency)}"
        rows.append([go(f"{clipped(name, 30)} · {change}", "reprice", one.id)])
    rows.append(desk.pages("reprices", 0, page, more=len(found) == PAGE))
    rows += [[go(say.label("What prices must leave"), "price-rule")], desk.back("supply")]
    text = say.say("Costs have left too little of these prices:") if found else say.say("No price needs you: every cost leaves enough.")
    await desk.show(event, paragraphs(bold(say.label("Proposed prices")), text), rows)


async def one_reprice(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show_reprice(press, desk, callback_data.id)


async def _reprice(shop: Shop, repricing_id: int) -> RepricingView:
    found = await shop.read(supply.repricing, repricing_id)
    if found is None:
        raise Gone
    return found


async def _show_reprice(event: Message | CallbackQuery, desk: Desk, repricing_id: int) -> None:
    found = await _reprice(desk.shop, repricing_id)
    if found.storefront_id != desk.storefront.id:
        raise Gone
    text, rows = await _drawn(found, desk.speech, desk.shop)
    await desk.show(event, text, [*rows, desk.back("reprices")])


async def alerted(body: Mapping[str, Any], speech: Speech, shop: Shop) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """The card that the staff are sent: as it stands when it is sent, with what may be decided."""
    text, rows = await _drawn(await _reprice(shop, int(body["repricing"])), speech, shop)
    return text, keyboard(rows)


async def _drawn(found: RepricingView, say: Speech, shop: Shop) -> tuple[Safe, list[Row]]:
    _, name = await name_of(shop, say, found.sku_id)
    view = await shop.read(supply.offer_view, found.offer_id)
    margin = say.percent(Decimal(found.margin_bp) / 10_000)
    text = paragraphs(
        say.say("📉 {name} costs more now.", name=bold(name)),
        lines(
            say.say("Source: {name}", name=view.supplier_name) if view else None,
            say.say(
                "Cost: {old} → {new}",
                old=say.price(found.old_cost_minor, found.old_cost_currency),
                new=bold(say.price(found.cost_minor, found.cost_currency)),
            ),
            say.say(
                "That leaves {margin} of the lowest price; you want {least}.",
                margin=margin,
                least=say.percent(Decimal(found.least_margin_bp) / 10_000),
            ),
        ),
        lines(*_side_by_side(say, found.before, found.proposed, found.currency)),
        _outcome(say, found.outcome) if found.outcome else None,
    )
    if found.outcome is not None:
        return text, []
    return text, [
        [
            do(
                say.label("✅ Take {price}", price=say.price(found.proposed.retail_minor, found.currency)),
                "rp-take",
                found.id,
                style="success",
            )
        ],
        [ask(say.label("✏️ Other price"), "rp.other", found.id), do(say.label("Leave it"), "rp-skip", found.id)],
    ]


def _side_by_side(say: Speech, before: Prices, after: Prices, currency: str) -> list[Safe]:
    told = [
        say.say("Price: {old} → {new}", old=say.price(before.retail_minor, currency), new=bold(say.price(after.retail_minor, currency)))
    ]
    if before.wholesale_minor is not None and after.wholesale_minor is not None:
        old, new = say.price(before.wholesale_minor, currency), say.price(after.wholesale_minor, currency)
        told.append(say.say("Wholesale: {old} → {new}", old=old, new=new))
    for quantity, unit in sorted(before.tiers.items()):
        facts = {"n": say.number(quantity), "old": say.price(unit, currency)}
        if quantity in after.tiers:
            told.append(say.say("From {n} on: {old} → {new}", new=say.price(after.tiers[quantity], currency), **facts))
        else:
            told.append(say.say("From {n} on: {old} → no price of its own", **facts))
    return told


def _outcome(say: Speech, outcome: Outcome) -> Safe:
    said = {
        Outcome.TAKEN: say.say("✅ The proposed price was taken."),
        Outcome.OTHER: say.say("✅ Another price was set."),
        Outcome.IGNORED: say.say("The price was left as it is."),
        Outcome.FOLLOWED: say.say("The cost has changed again since, so this is out of date."),
        Outcome.MOVED: say.say("The price had been changed already, so nothing was set."),
    }
    return said[outcome]


async def _decide(desk: Desk, repricing_id: int, *, take: bool, other_minor: int | None = None) -> supply.Decided:
    return await desk.shop.write(
        supply.decide_price,
        repricing_id=repricing_id,
        storefront_id=desk.storefront.id,
        by=desk.by,
        take=take,
        other_minor=other_minor,
    )


async def take_price(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _decided(press, desk, callback_data.id, await _decide(desk, callback_data.id, take=True))


async def ignore_price(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _decided(press, desk, callback_data.id, await _decide(desk, callback_data.id, take=False))


async def _decided(press: CallbackQuery, desk: Desk, repricing_id: int, decided: supply.Decided) -> None:
    if not decided.first:
        await press.answer(desk.speech.label("This was decided before. Nothing was changed."), show_alert=True)
    await _show_reprice(press, desk, repricing_id)


async def _ask_other(desk: Desk, asked: Asked) -> Safe:
    say, found = desk.speech, await _reprice(desk.shop, asked.id)
    return say.say(
        "Now {price}, and one costs {cost}. Type the new price, for example: <i>{example}</i>",
        price=say.price(found.before.retail_minor, found.currency),
        cost=say.price(found.worth_minor, found.currency),
        example=decimal_text(found.proposed.retail_minor, found.currency),
    )


async def _take_other(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    found = await _reprice(desk.shop, asked.id)
    minor = parse_minor(text, found.currency)
    if not minor:
        raise NotPositive
    await _decide(desk, asked.id, take=True, other_minor=minor)
    await _show_reprice(message, desk, asked.id)


QUESTIONS["rp.other"] = Question(_ask_other, _take_other, "reprice")
