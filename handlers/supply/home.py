"""The first screen of a supplier: the shelf and how long it lasts, today's sales, the money, and the ways on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aiogram import F, Router
from aiogram.filters.state import StateFilter
from aiogram.types import CallbackQuery, Message

from core import aftersale, insight, ledger, onboarding, settlement, supply
from core.aftersale import CaseState, Reason
from core.database import Shop
from core.errors import N_
from core.onboarding import DocumentView
from core.people import Customer
from core.storefronts import Storefront
from core.supply import NotYours
from handlers import callbacks
from handlers.pieces import bold, button, clipped, full_name, lines, paragraphs
from handlers.supply import commitments, earnings
from handlers.supply.buttons import Documents
from handlers.supply.desk import Seat, See, SupplierDesk, Supplying, see, supply_conversation, typed
from locales import Safe, Speech

_CASES = 10


def router() -> Router:
    made = supply_conversation("supply-home")
    made.message.register(typed, StateFilter(Supplying.answer), ~F.text.startswith("/"))
    made.callback_query.register(home, See.filter(F.to == "home"))
    made.callback_query.register(cases, See.filter(F.to == "cases"))
    made.callback_query.register(how, See.filter(F.to == "how"))
    return made


async def home(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    await _show(press, supplier_desk, callback_data.id)


async def show(
    event: Message | CallbackQuery, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, *, fresh: bool = False
) -> None:
    """The home of the supplier that this person acts for; who acts for several chooses. Raises NotYours for nobody's."""
    await _show(event, Seat(shop, storefront, customer, speech), fresh=fresh)


async def _show(event: Message | CallbackQuery, desk: Seat, supplier_id: int = 0, *, fresh: bool = False) -> None:
    mine = await desk.suppliers()
    if not mine:
        raise NotYours
    if supplier_id == 0 and len(mine) > 1:
        text = desk.speech.say("You act for several suppliers. Which one is it about?")
        await desk.show(event, text, [[see(one.name, "home", one.id)] for one in mine], fresh=fresh)
        return
    chosen = await desk.supplier(supplier_id) if supplier_id else mine[0]
    await _show_home(event, desk, chosen.id, several=len(mine) > 1, fresh=fresh)


async def _show_home(event: Message | CallbackQuery, desk: Seat, supplier_id: int, *, several: bool, fresh: bool) -> None:
    say = desk.speech
    here = await desk.shop.read(insight.supplier_home, supplier_id, timezone=say.timezone)
    papers = await desk.shop.read(onboarding.documents_of, supplier_id)
    closed = sum(1 for line in here.lines if line.facts.closed)
    text = paragraphs(
        lines(bold(clipped(here.supplier.name, 200)), say.say(_STANDINGS[here.supplier.standing])),
        say.say("⛔ Your supply is suspended: nothing sells and nothing is paid out until the shop has lifted it.")
        if here.supplier.suspended
        else None,
        lines(_shelf(say, here), _today(say, here)),
        money_said(say, await money(desk.shop, supplier_id)),
        lines(
            say.many("⏸ {n} offer does not sell at the moment.", "⏸ {n} offers do not sell at the moment.", closed) if closed else None,
            say.many("🛟 {n} open case about your goods.", "🛟 {n} open cases about your goods.", here.open_cases)
            if here.open_cases
            else None,
            *papers_said(say, papers),
        ),
    )
    rows = [
        [see(say.label("🏷 Offers ({n})", n=len(here.lines)), "offers", supplier_id), see(say.label("➕ New offer"), "new", supplier_id)],
        [see(say.label("📥 Bring codes"), "bring", supplier_id), earnings.entry(say, supplier_id)],
        [see(say.label("🛟 Cases"), "cases", supplier_id), button(say.label("🛠 To do"), callbacks.Tasks())],
        [button(say.label("📄 Papers"), Documents(supplier=supplier_id)), see(say.label("❓ How it works"), "how", supplier_id)],
        await commitments.entry(desk, supplier_id),
        [see(say.label("Another supplier"), "home")] if several else [],
    ]
    await desk.show(event, text, rows, fresh=fresh)


_STANDINGS = {
    supply.Standing.NEW: N_("🌱 New supplier"),
    supply.Standing.TRUSTED: N_("⭐️ Trusted supplier"),
    supply.Standing.AUTHORISED: N_("🏅 Authorised supplier"),
    supply.Standing.CREATOR: N_("🎨 Creator"),
    supply.Standing.OWN: N_("🏠 The shop itself"),
}


def _shelf(say: Speech, here: insight.SupplierHome) -> Safe:
    left = say.many("📦 {n} code on the shelf", "📦 {n} codes on the shelf", here.shelf)
    if here.days_left is None or not here.shelf:
        return left
    lasts = (
        say.many("lasts {n} day at the pace of the last two weeks", "lasts {n} days at the pace of the last two weeks", here.days_left)
        if here.days_left
        else say.say("lasts less than a day at the pace of the last two weeks")
    )
    return Safe(" · ").join([left, lasts])


def papers_said(say: Speech, papers: Sequence[DocumentView]) -> list[Safe]:
    """How many papers are good, and until when at least; and how many are not any more, unless a newer one is with the shop already."""
    good = [paper for paper in papers if paper.good]
    ends = min((paper.expires_on for paper in good if paper.expires_on is not None), default=None)
    bad = sum(1 for paper in papers if not paper.good and paper.waits is None)
    told = []
    if good and ends is None:
        told.append(say.many("📄 {n} valid paper", "📄 {n} valid papers", len(good)))
    elif good and ends is not None:
        told.append(say.many("📄 {n} valid paper, until {day}", "📄 {n} valid papers, the first until {day}", len(good), day=say.day(ends)))
    if bad:
        told.append(say.many("❌ {n} paper is not valid: please renew it.", "❌ {n} papers are not valid: please renew them.", bad))
    return told


def _today(say: Speech, here: insight.SupplierHome) -> Safe:
    if not here.sold_today:
        return say.say("🧾 Nothing sold yet today")
    worth = say.listing([say.price(minor, currency) for currency, minor in sorted(here.cost_today_minor.items())])
    return say.many("🧾 {n} sold today, for {worth}", "🧾 {n} sold today, for {worth}", here.sold_today, worth=worth)


# Money


@dataclass(frozen=True, slots=True)
class Money:
    """What a supplier has earned in one currency, in minor units: held for the warranty, ready to be paid out, and paid."""

    currency: str
    held_minor: int
    payable_minor: int
    paid_minor: int


async def money(shop: Shop, supplier_id: int) -> list[Money]:
    """A supplier's money by currency, as their statement has it."""
    pots = await shop.read(ledger.pots, party_id=supplier_id, kind=ledger.AccountKind.PAYABLE)
    found = []
    for currency in sorted({pot.currency for pot in pots}):
        has = await shop.read(settlement.balances, supplier_id=supplier_id, currency=currency)
        found.append(Money(currency, has.held_minor, has.due_minor + has.paying_minor, has.paid_minor))
    return found


def money_said(say: Speech, found: list[Money]) -> Safe | None:
    """One line for each currency that has anything."""
    told = [
        say.say(
            "💰 Held {held} · to be paid out {payable} · paid {paid}",
            held=say.price(one.held_minor, one.currency),
            payable=say.price(one.payable_minor, one.currency),
            paid=say.price(one.paid_minor, one.currency),
        )
        for one in found
        if one.held_minor or one.payable_minor or one.paid_minor
    ]
    return lines(*told) if told else None


# Cases


_REASONS = {
    Reason.FACE_VALUE: N_("another face value than bought"),
    Reason.WRONG_CODE: N_("the code is not accepted"),
    Reason.NOT_ACTIVATED: N_("not activated"),
    Reason.USED: N_("already used or expired"),
    Reason.OTHER: N_("something else"),
    Reason.RECLAIMED: N_("taken back by its former owner"),
}


async def cases(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """Open cases about this supplier's goods; who bought is nobody's business here."""
    desk, say = supplier_desk, supplier_desk.speech
    chosen = await desk.supplier(callback_data.id)
    here = await desk.shop.read(insight.supplier_home, chosen.id, timezone=say.timezone)
    names = {line.facts.id: full_name(line.product, line.sku, say) for line in here.lines}
    found = await desk.shop.read(aftersale.open_of_offers, list(names), limit=_CASES)
    told = [
        lines(
            bold(names[case.offer_id]),
            say.say(
                "Code {code}: {reason}, since {when}",
                code=case.masked,
                reason=say.label(_REASONS[case.reason]),
                when=say.when(case.opened_at),
            ),
            say.say("The buyer is asked for more.") if case.state is CaseState.WAITING_BUYER else say.say("The shop looks into it."),
            say.say("{amount} of your earnings waits for it.", amount=say.price(case.frozen_minor, case.frozen_currency))
            if case.frozen_minor
            else None,
        )
        for case in found
    ]
    more = here.open_cases - len(found)
    text = paragraphs(
        bold(say.say("Open cases about your goods")),
        *told,
        say.many("and {n} more", "and {n} more", more) if more > 0 else None,
        None if found else say.say("There are none. Well done."),
    )
    await desk.show(press, text, [[desk.home(chosen.id)]])


async def how(press: CallbackQuery, callback_data: See, supplier_desk: SupplierDesk) -> None:
    """What happens to codes and money, in a few sentences."""
    desk, say = supplier_desk, supplier_desk.speech
    chosen = await desk.supplier(callback_data.id)
    text = paragraphs(
        bold(say.say("How it works")),
        say.say("1. Make an offer: choose what the shop sells, and say what a code costs."),
        say.say(
            "2. Bring the codes: a file in this chat, or by an upload link up to a million lines. All that is new goes on sale together."
        ),
        say.say("3. Every sale earns you your cost at once. It is held for a while, in case a code does not work, then paid out."),
        say.say("Codes are encrypted as they come in, and shown to nobody but their buyer. What is unsold you can take back at any time."),
    )
    await desk.show(press, text, [[desk.home(chosen.id)]])
