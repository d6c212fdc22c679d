"""What the shop buys for itself: purchase orders, the codes that come for them, and what each batch cost."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import ClassVar

from aiogram import F, Router
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import catalog, exposure, purchasing, supply
from core.catalog import Gone
from core.errors import N_, Refusal
from core.money import decimal_text, parse_minor
from core.purchasing import CostTier, PurchaseState, PurchaseView
from handlers.admin.desk import PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go
from handlers.pieces import Row, bold, lines, paragraphs
from handlers.typed import whole_number
from locales import Safe, Speech

STATES = {
    PurchaseState.DRAFT: N_("not ordered yet"),
    PurchaseState.ORDERED: N_("ordered"),
    PurchaseState.RECEIVED: N_("all of it is here"),
    PurchaseState.CLOSED: N_("closed with a part"),
    PurchaseState.CANCELLED: N_("cancelled"),
}
MARKS = {
    PurchaseState.DRAFT: "📝",
    PurchaseState.ORDERED: "🚚",
    PurchaseState.RECEIVED: "✅",
    PurchaseState.CLOSED: "🟡",
    PurchaseState.CANCELLED: "✖️",
}
LARGEST = 1_000_000
_TIER = re.compile(r"(\d{1,7})=(\d[\d.]{0,15})", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3,8}", re.ASCII)


@dataclass(eq=False)
class NotAPurchase(Refusal):
    says: ClassVar[str] = N_(
        "I could not read that. Please type how many, and what one costs, for example: <code>1000 85.00</code> – "
        "or with prices by quantity: <code>5000 1=86.00 1000=85.00 5000=84.50</code>"
    )


def router() -> Router:
    made = Router(name="admin-purchases")
    looks = {"buys": all_purchases, "buy": one_purchase, "buy-sku": of_sku, "buy-from": choose_supplier}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    made.callback_query.register(ordered, Do.filter(F.act == "buy-order"))
    made.callback_query.register(ended, Do.filter(F.act == "buy-end"))
    return made


def read_purchase(text: str, currency: str) -> tuple[int, list[CostTier], str]:
    """How many, the supplier's prices by quantity, and their currency; raises a Refusal that says how to write it."""
    words = unicodedata.normalize("NFKC", text).upper().split()
    if len(words) > 1 and _CURRENCY.fullmatch(words[-1]):
        currency = words.pop()
    quantity = whole_number(words[0]) if words else None
    if quantity is None or not 0 < quantity <= LARGEST or len(words) < 2:
        raise NotAPurchase
    if len(words) == 2 and "=" not in words[1]:
        return quantity, [CostTier(1, parse_minor(words[1], currency))], currency
    tiers = []
    for word in words[1:]:
        found = _TIER.fullmatch(word)
        if found is None:
            raise NotAPurchase
        tiers.append(CostTier(int(found[1]), parse_minor(found[2], currency)))
    purchasing.reached(tiers, quantity)
    return quantity, tiers, currency


async def all_purchases(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The newest purchase orders of all denominations."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(purchasing.purchases, limit=PAGE * 20)
    rows: list[Row] = [[await _button(desk, one)] for one in found[page * PAGE : (page + 1) * PAGE]]
    text = paragraphs(
        bold(say.label("Purchase orders")),
        say.say("What the shop buys for itself. A new one begins at the shelf of its denomination.")
        if found
        else say.say("Nothing was bought yet. A purchase order begins at the shelf of its denomination: Stock → denomination → Buy more."),
    )
    rows += [desk.pages("buys", 0, page, more=len(found) > (page + 1) * PAGE), desk.back("supply")]
    await desk.show(press, text, rows)


async def of_sku(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The purchase orders of one denomination, and the way to a new one."""
    say, sku = desk.speech, await desk.shop.read(catalog.sku, callback_data.id)
    if sku is None:
        raise Gone
    found = await desk.shop.read(purchasing.purchases, sku_id=sku.id, limit=PAGE)
    rows: list[Row] = [[await _button(desk, one)] for one in found]
    rows += [[go(say.label("＋ New purchase order"), "buy-from", sku.id)], desk.back("shelf", sku.id)]
    await desk.show(press, paragraphs(bold(sku.name), say.label("Purchase orders")), rows)


async def _button(desk: Desk, one: PurchaseView) -> InlineKeyboardButton:
    say, sku = desk.speech, await desk.shop.read(catalog.sku, one.sku_id)
    assert sku is not None, "what was ordered is never deleted"
    label = f"{MARKS[one.state]} {sku.name} · {say.number(one.received)}/{say.number(one.quantity)} · {one.supplier}"
    return go(label, "buy", one.id)


async def choose_supplier(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """From whom: one who is known, or somebody new by name."""
    say, sku = desk.speech, await desk.shop.read(catalog.sku, callback_data.id)
    if sku is None:
        raise Gone
    sellers = await desk.shop.read(supply.vendors)
    rows: list[Row] = [[ask(seller.name, "buy.what", sku.id, arg=str(seller.id))] for seller in sellers[: 2 * PAGE]]
    rows += [[ask(say.label("＋ Somebody new"), "buy.who", sku.id)], desk.back("buy-sku", sku.id)]
    await desk.show(press, say.say("From whom do you buy <b>{name}</b>?", name=sku.name), rows)


async def one_purchase(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _show(press, desk, callback_data.id)


async def _show(event: Message | CallbackQuery, desk: Desk, purchase_id: int) -> None:
    say, one = desk.speech, await desk.shop.read(purchasing.purchase, purchase_id)
    if one is None:
        raise Gone
    sku = await desk.shop.read(catalog.sku, one.sku_id)
    costs = await desk.shop.read(purchasing.batch_costs, one.id)
    assert sku is not None, "what was ordered is never deleted"
    text = paragraphs(
        lines(bold(sku.name), say.say("from {supplier} – {state}", supplier=one.supplier, state=say.label(STATES[one.state]))),
        lines(
            say.say("Ordered: {n}, {price} each", n=say.number(one.quantity), price=say.price(one.unit_cost_minor, one.currency)),
            say.say("Together: {price}", price=say.price(one.total_minor, one.currency)),
            say.say("Here: {n}", n=say.number(one.received)),
            _tiers(say, one),
        ),
        lines(
            *[
                say.say(
                    "Batch {batch}: {n} at {price}, {sold} sold",
                    batch=cost.batch_id,
                    n=say.number(cost.quantity),
                    price=say.price(cost.unit_cost_minor, cost.currency),
                    sold=say.number(cost.sold),
                )
                for cost in costs
            ]
        )
        if costs
        else None,
    )
    rows: list[Row] = []
    if one.state is PurchaseState.DRAFT:
        rows.append([do(say.label("🚚 It is ordered"), "buy-order", one.id), do(say.label("✖️ Cancel it"), "buy-end", one.id)])
    if one.state is PurchaseState.ORDERED:
        rows.append([go(say.label("📥 Codes have come"), "import", one.sku_id, arg=str(one.offer_id))])
        rows.append([do(say.label("No more will come"), "buy-end", one.id)])
    await desk.show(event, text, [*rows, desk.back("buy-sku", one.sku_id)])


def _tiers(say: Speech, one: PurchaseView) -> Safe | None:
    if len(one.tiers) < 2:
        return None
    told = [say.say("from {n}: {price}", n=say.number(t.from_quantity), price=say.price(t.unit_minor, one.currency)) for t in one.tiers]
    return say.say("Their prices: {tiers}", tiers=say.listing(told))


async def ordered(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(exposure.order_purchase, purchase_id=callback_data.id, by=desk.by)
    await _show(press, desk, callback_data.id)


async def ended(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(purchasing.end_purchase, purchase_id=callback_data.id, by=desk.by)
    await _show(press, desk, callback_data.id)


async def _ask_who(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type the name of who you buy from, for example: <i>Card Wholesale Ltd.</i>")


async def _take_who(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    seller = await desk.shop.write(supply.new_vendor, name=text[:200], by=desk.by)
    await desk.ask(message, "buy.what", asked.id, str(seller.id))


async def _ask_what(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type how many you buy and what one costs in {currency}, for example: <code>1000 {example}</code>\n"
        "With prices by quantity: <code>5000 1=86.00 1000=85.00 5000=84.50</code>. Another currency goes at the end, such as USD.",
        currency=desk.storefront.currency,
        example=decimal_text(8500, desk.storefront.currency),
    )


async def _take_what(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    quantity, tiers, currency = read_purchase(text, desk.storefront.currency)
    if await desk.shop.read(catalog.sku, asked.id) is None or not asked.arg.isdecimal():
        raise Gone
    if await desk.shop.read(supply.supplier, int(asked.arg)) is None:
        raise Gone
    made = await desk.shop.write(
        exposure.draft_purchase,
        supplier_id=int(asked.arg),
        sku_id=asked.id,
        quantity=quantity,
        tiers=tiers,
        currency=currency,
        by=desk.by,
    )
    await _show(message, desk, made.id)


QUESTIONS["buy.who"] = Question(_ask_who, _take_who, "buy-sku")
QUESTIONS["buy.what"] = Question(_ask_what, _take_what, "buy-sku")
