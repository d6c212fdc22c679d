"""Buying by a command or a list: previewed with its total, and then bought once, all of it or as many as there are."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, inventory, ledger, orders, outbox, people, pricing, storefronts
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.orders import Got, Wanted
from core.people import Customer
from core.resellers.members.items import ItemOfReseller, of_skus
from core.resellers.members.people import NotAllowed, Role, hashed, may_of
from core.resellers.members.tables import ResellerCodeLink, ResellerList, ResellerNumber
from core.resellers.members.wishes import wishes_of

MOST_LINES = 200
MOST_UNITS = 20_000  # of one list
GOOD_FOR = timedelta(minutes=30)  # then it is previewed again: prices and stock are others


@dataclass(eq=False)
class NumberTaken(Refusal):
    says: ClassVar[str] = N_("Your number {number} is already an order for something else ({order}). Please use a new number.")

    number: str
    order: str


@dataclass(eq=False)
class ListGone(Refusal):
    says: ClassVar[str] = N_("This preview is too old, or was cancelled. Nothing was bought; please send your order again.")


@dataclass(eq=False)
class CannotBeListed(Refusal):
    says: ClassVar[str] = N_("This asks for an account or other details first. Please buy it in the private chat, by its screen.")


@dataclass(eq=False)
class LinkOfCodesOver(Refusal):
    says: ClassVar[str] = N_("This link was used, or is not known. /order with the order's number shows its codes again.")


@dataclass(frozen=True, slots=True)
class AlreadyBought:
    """The buyer's own number is this order already: nothing is bought again."""

    order_id: int
    number: str


@dataclass(frozen=True, slots=True)
class ListLine:
    """A line as it is asked for: so many of a denomination, with the reseller's own number or without."""

    sku_id: int
    quantity: int
    number: str | None = None


@dataclass(frozen=True, slots=True)
class LineView:
    """A line of a preview. `why` says why it cannot be bought as it is; `known` is the order that its number is already."""

    item: ItemOfReseller | None
    quantity: int
    number: str | None
    unit_minor: int
    total_minor: int
    can_have: int  # as many as there are
    can_minor: int  # and what those cost
    why: Refusal | None = None
    known: AlreadyBought | None = None


@dataclass(frozen=True, slots=True)
class ListView:
    """A preview: what it costs all together, what could be had of it, and what the balance is."""

    id: int
    reseller_id: int
    lines: list[LineView]
    total_minor: int
    can_minor: int
    balance_minor: int
    spendable_minor: int  # with the credit that is left
    currency: str
    done: bool
    confirm: bool  # the reseller wants to be asked again before so much is spent

    @property
    def whole(self) -> bool:
        """Is everything there?"""
        return all(line.why is None and line.can_have == line.quantity for line in self.lines)


@dataclass(frozen=True, slots=True)
class LineMade:
    """What became of a line: `got` of it with an order, or `says` and `facts` of why not; `repeated`: it was an order before."""

    sku_id: int
    quantity: int
    number: str | None
    got: int
    order_id: int | None
    paid_minor: int
    repeated: bool
    on_its_way: bool
    says: str | None
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListMade:
    """A list that was bought. `repeated`: it was bought before, and nothing was done again. `word` opens codes that stay sealed."""

    list_id: int
    lines: list[LineMade]
    paid_minor: int
    currency: str
    repeated: bool
    to_telegram_id: int  # in whose private chat the codes are
    word: str | None = None


@write
def draw_list(session: Session, *, reseller_id: int, by: int, once: str, lines: Sequence[ListLine]) -> ListView | AlreadyBought:
    """Keep what is to be bought with today's prices, and tell what it would be; the same `once` is the same list.

    A single line whose number is an order of the same already is that order. Raises NotAllowed, NumberTaken.
    """
    reseller = people.by_id(session, reseller_id)
    if not may_of(session, reseller, by).role(Role.BUY):
        raise NotAllowed
    assert 0 < len(lines) <= MOST_LINES, "the parser keeps to the bounds"
    kept = session.scalars(select(ResellerList).where(ResellerList.once == once)).one_or_none()
    if kept is not None:
        return view(session, kept)
    if len(lines) == 1:
        known = _known(session, reseller_id, lines[0])
        if known is not None:
            return known
    prices = pricing.for_buyer(session, buyer=reseller, sku_ids={line.sku_id for line in lines})
    drawn, total = [], 0
    for line in lines:
        _known(session, reseller_id, line)
        price, sku = prices.get(line.sku_id), catalog.sku(session, line.sku_id)
        drawn.append(
            {
                "sku": line.sku_id,
                "quantity": line.quantity,
                "price": 0 if price is None else price.id,
                "rules": 0 if sku is None else sku.rules_version,
                "number": line.number,
            }
        )
        total += 0 if price is None else pricing.quote(price, line.quantity).total_minor
    session.execute(
        insert_new(session, ResellerList).values(
            reseller_id=reseller_id,
            made_by=by,
            once=once,
            lines=drawn,
            total_minor=total,
            currency=storefronts.by_id(session, reseller.storefront_id).currency,
            made_at=now(session),
        )
    )
    return view(session, session.scalars(select(ResellerList).where(ResellerList.once == once)).one())


def _known(session: Session, reseller_id: int, line: ListLine) -> AlreadyBought | None:
    """The order that this line's number is. Raises NumberTaken when it is of something else."""
    if line.number is None:
        return None
    found = orders.by_number(session, buyer_id=reseller_id, number=line.number)
    if found is None:
        return None
    # Fewer may have been had than were asked for; what was ordered elsewhere is compared by what it has.
    kept = session.get(ResellerNumber, found.order_id)
    if found.sku_id != line.sku_id or line.quantity != (found.quantity if kept is None else kept.asked):
        raise NumberTaken(number=line.number, order=orders.number_of(found.order_id))
    return AlreadyBought(found.order_id, orders.number_of(found.order_id))


def view(session: Session, row: ResellerList) -> ListView:
    """The list as things are now, at the prices it was drawn with."""
    reseller = people.by_id(session, row.reseller_id)
    wanted = [ListLine(line["sku"], line["quantity"], line["number"]) for line in row.lines]
    skus = [sku for sku_id in dict.fromkeys(line.sku_id for line in wanted) if (sku := catalog.sku(session, sku_id)) is not None]
    there = {item.sku.id: item for item in of_skus(session, row.reseller_id, skus, most=MOST_UNITS)}
    left = {sku_id: item.left for sku_id, item in there.items()}
    lines = []
    for line, kept in zip(wanted, row.lines, strict=True):
        item = there.get(line.sku_id)
        price = pricing.version(session, kept["price"]) if kept["price"] else None
        known = _known_or_none(session, row.reseller_id, line)
        if item is None or price is None:
            lines.append(LineView(item, line.quantity, line.number, 0, 0, 0, 0, orders.NotForSale(), known))
            continue
        # As it is for this buyer: the version tells only the shop's own amounts.
        price = item.price if item.price.id == kept["price"] else price
        why: Refusal | None = None
        most = orders.most_of(reseller, item.sku)
        if not item.sku.min_quantity <= line.quantity <= most:
            why = orders.WrongQuantity(least=item.sku.min_quantity, most=most)
        elif item.product.asks:
            why = CannotBeListed()
        elif item.price.id != kept["price"] or item.sku.rules_version != kept["rules"]:
            why = orders.PriceMoved()
        can = 0 if why is not None else min(line.quantity, left[line.sku_id])
        can = can if can >= item.sku.min_quantity else 0
        left[line.sku_id] -= can
        quote = pricing.quote(price, line.quantity)
        lines.append(
            LineView(
                item,
                line.quantity,
                line.number,
                quote.unit_minor,
                quote.total_minor,
                can,
                pricing.quote(price, can).total_minor if can else 0,
                why,
                known,
            )
        )
    total = sum(line.total_minor for line in lines if line.known is None)
    limit, room = wishes_of(session, row.reseller_id).confirm_above_minor, ledger.room(session, reseller.wallet_id)
    return ListView(
        row.id,
        row.reseller_id,
        lines,
        total,
        sum(line.can_minor for line in lines if line.known is None),
        room.balance_minor,
        room.spendable_minor,
        row.currency,
        row.done_at is not None,
        limit is None or total > limit,
    )


def _known_or_none(session: Session, reseller_id: int, line: ListLine) -> AlreadyBought | None:
    try:
        return _known(session, reseller_id, line)
    except NumberTaken:
        return None


@read
def list_of(session: Session, *, list_id: int, reseller_id: int) -> ListView | None:
    """A list of this reseller's; another's is not there."""
    row = session.get(ResellerList, list_id)
    return None if row is None or row.reseller_id != reseller_id else view(session, row)


@write
def cancel_list(session: Session, *, list_id: int, reseller_id: int, by: int) -> bool:
    """It is not bought any more; False when it was bought already, or is not this reseller's. Raises NotAllowed."""
    if not may_of(session, people.by_id(session, reseller_id), by).role(Role.BUY):
        raise NotAllowed
    row = session.get(ResellerList, list_id, with_for_update=True)
    if row is None or row.reseller_id != reseller_id or row.done_at is not None:
        return False
    row.cancelled_at = row.cancelled_at or now(session)
    return True


@write
def buy_list(session: Session, *, list_id: int, reseller_id: int, by: int, all_or_nothing: bool) -> ListMade:
    """Buy what was previewed, from the reseller's balance, in one transaction; once: again it tells what it was.

    `by` is the Telegram id of whoever pressed: the codes go into their private chat, and if they never opened one, they stay sealed
    behind `word`. With `all_or_nothing` the first line that is refused raises NotAll, and nothing was bought; without, each line tells
    what became of it, and only when nothing at all could be had the list stays open. Raises NotAllowed, ListGone.
    """
    reseller = people.by_id(session, reseller_id)
    if not may_of(session, reseller, by).role(Role.BUY):
        raise NotAllowed
    ledger.lock(session, reseller.wallet_id)  # Two presses take turns.
    row = session.get(ResellerList, list_id, with_for_update=True, populate_existing=True)
    if row is None or row.reseller_id != reseller_id or row.cancelled_at is not None:
        raise ListGone
    if row.results is not None:
        assert row.done_by is not None, "somebody bought it"
        return _made(row, repeated=True, to=row.done_by)
    if row.made_at + GOOD_FOR <= now(session):
        raise ListGone
    presser = people.find(session, storefront_id=reseller.storefront_id, telegram_id=by)
    if presser is None:
        raise NotAllowed
    got = _buy(session, row, reseller, all_or_nothing=all_or_nothing)
    row.results = [_kept(one) for one in got]
    if not any(one.order_id for one in got):
        # Nothing was had: the list can be tried again, and each line says why.
        made = _made(row, repeated=False, to=by)
        row.results = None
        return made
    row.done_at, row.done_by = now(session), by
    _watch(session, reseller_id, got)
    word = _address(session, reseller, presser, [one for one in got if one.order_id and not one.repeated and not one.on_its_way])
    session.flush()
    return _made(row, repeated=False, to=by, word=word)


def _buy(session: Session, row: ResellerList, reseller: Customer, *, all_or_nothing: bool) -> list[LineMade]:
    made: dict[int, LineMade] = {}
    wanted: list[tuple[int, Wanted]] = []
    for index, line in enumerate(row.lines):
        asked = ListLine(line["sku"], line["quantity"], line["number"])
        try:
            known = _known(session, reseller.id, asked)
        except NumberTaken as refusal:
            if all_or_nothing:
                raise orders.NotAll(line=index + 1, why=refusal) from refusal
            made[index] = _refused(asked, refusal)
            continue
        if known is not None:
            made[index] = LineMade(asked.sku_id, asked.quantity, asked.number, asked.quantity, known.order_id, 0, True, False, None, {})
            continue
        # A number that comes twice in a list is found by the sale itself: the second is another order under the first's key.
        once = orders.once_outside(reseller.id, asked.number) if asked.number else f"list:{row.id:012}:{index}"
        wanted.append((index, Wanted(asked.sku_id, asked.quantity, line["price"], line["rules"], once)))
    try:
        got = orders.buy_several(
            session,
            storefront_id=reseller.storefront_id,
            buyer_id=reseller.id,
            wanted=[one for _, one in wanted],
            all_or_nothing=all_or_nothing,
        )
    except orders.NotAll as refusal:
        raise orders.NotAll(line=wanted[refusal.line - 1][0] + 1, why=refusal.why) from refusal
    for (index, one), result in zip(wanted, got, strict=True):
        number = row.lines[index]["number"]
        made[index] = _line(one, number, result)
        if number is not None and result.receipt is not None and not result.receipt.repeated:
            session.add(ResellerNumber(order_id=result.receipt.order_id, reseller_id=reseller.id, asked=one.quantity))
            session.flush()
    return [made[index] for index in range(len(row.lines))]


def _line(one: Wanted, number: str | None, got: Got) -> LineMade:
    receipt = got.receipt
    if receipt is None:
        assert got.refusal is not None, "one of the two"
        return _refused(ListLine(one.sku_id, one.quantity, number), got.refusal)
    return LineMade(
        one.sku_id,
        one.quantity,
        number,
        receipt.quantity,
        receipt.order_id,
        0 if receipt.repeated else receipt.paid_minor,
        receipt.repeated,
        receipt.held or receipt.due_at is not None,
        None,
        {},
    )


def _refused(line: ListLine, refusal: Refusal) -> LineMade:
    facts = {name: value for name, value in refusal.facts().items() if isinstance(value, str | int)}
    return LineMade(line.sku_id, line.quantity, line.number, 0, None, 0, False, False, refusal.says, facts)


def _kept(line: LineMade) -> dict[str, Any]:
    return {
        "sku": line.sku_id,
        "quantity": line.quantity,
        "number": line.number,
        "got": line.got,
        "order": line.order_id,
        "paid": line.paid_minor,
        "repeated": line.repeated,
        "coming": line.on_its_way,
        "says": line.says,
        "facts": line.facts,
    }


def _made(row: ResellerList, *, repeated: bool, to: int, word: str | None = None) -> ListMade:
    assert row.results is not None, "it was bought"
    lines = [
        LineMade(
            one["sku"],
            one["quantity"],
            one["number"],
            one["got"],
            one["order"],
            one["paid"],
            one["repeated"],
            one["coming"],
            one["says"],
            one["facts"],
        )
        for one in row.results
    ]
    return ListMade(row.id, lines, sum(line.paid_minor for line in lines), row.currency, repeated, to, word)


def _watch(session: Session, reseller_id: int, got: Sequence[LineMade]) -> None:
    """Who wants to hear of it is told when what was missing is back."""
    if wishes_of(session, reseller_id).restock:
        for sku_id in {line.sku_id for line in got if line.got < line.quantity}:
            inventory.watch(session, customer_id=reseller_id, sku_id=sku_id)


def _address(session: Session, reseller: Customer, presser: Customer, lines: Sequence[LineMade]) -> str | None:
    """Whoever pressed gets the codes; the word of a link when their chat is not open."""
    is_open = people.has_opened_chat(session, presser.id)
    if presser.id == reseller.id and is_open:
        return None
    sealed = []
    for line in lines:
        assert line.order_id is not None, "it was bought"
        if outbox.hand_to(session, order_id=line.order_id, to_customer_id=presser.id, sealed=not is_open) and not is_open:
            sealed.append(line.order_id)
    return new_link(session, reseller.id, sealed) if sealed else None


def new_link(session: Session, reseller_id: int, order_ids: Sequence[int]) -> str:
    """The word of a link behind which the codes of these orders wait."""
    word = secrets.token_urlsafe(18)
    session.add(ResellerCodeLink(hash=hashed(word), reseller_id=reseller_id, orders=list(order_ids), made_at=now(session)))
    return word
