"""Claims go back with what was refunded, and with codes that another supplier's replaced: by what is so, not by what has happened."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from core import aftersale, orders, supply
from core.aftersale import Replaced
from core.database import among, now
from core.orders import CodeFate, SoldLine
from core.settlement import accounts
from core.settlement.accounts import Amounts
from core.settlement.drafts import Draft, write_claims
from core.settlement.runs import add_parts, make_run, post_run
from core.settlement.split import Label, Parts, of_units
from core.settlement.tables import Claim, ClaimState, Reversal, RunKind
from core.supply import Consigned


def whole_of(claim: Claim) -> Parts:
    """The parts of all of a claim's units."""
    shop = {
        Label.SPREAD: claim.spread_minor,
        Label.COMMISSION: claim.commission_minor,
        Label.SERVICE: claim.service_minor,
        Label.DISCOUNTS: claim.discounts_minor,
    }
    return Parts(claim.supplier_minor, shop)


def left_of(claim: Claim) -> int:
    """What of a claim the supplier still has."""
    whole = whole_of(claim)
    return claim.supplier_minor - of_units(whole, claim.units, before=0, count=claim.reversed_units).supplier_minor


class _Roots:
    """To which claim each code of an order belongs: its line's, or one of its own when another supplier's code came in its place."""

    def __init__(
        self,
        claims: Sequence[Claim],
        came: Sequence[CodeFate],
        replaced: Sequence[Replaced],
        sources: dict[int, Consigned],
    ) -> None:
        # Several lines may be of one offer: which of them a code is of is known by its cost, where it is known at all.
        self.of_line: dict[int, list[Claim]] = defaultdict(list)
        for claim in claims:
            if not claim.code_id:
                self.of_line[claim.offer_id].append(claim)
        self.of_code = {claim.code_id: claim for claim in claims if claim.code_id}
        self.came = {code.code_id: code for code in came}
        self.old_of = {one.new_code_id: one for one in replaced}
        self.sources = sources

    def payable(self, code_id: int, offer_id: int | None) -> int | None:
        """Whose account was credited with this code."""
        if code_id in self.came:
            return self.came[code_id].payable_id
        known = offer_id is not None and offer_id in self.of_line and offer_id in self.sources
        return self.sources[offer_id].payable_id if known and offer_id is not None else None

    def before(self, code_id: int, offers: dict[int, int]) -> int | None:
        """Whose account had been credited with the code that this one replaced."""
        old = self.old_of[code_id].old_code_id
        return self.payable(old, offers.get(old))

    def moved(self, code_id: int, offers: dict[int, int]) -> bool:
        """Did money move from one supplier to another, or to or from the shop, when this code came?"""
        return self.came[code_id].payable_id is None or self.came[code_id].payable_id != self.before(code_id, offers)

    def claims(self, code_id: int, offer_id: int | None, offers: dict[int, int]) -> list[Claim]:
        """The claim of a code, or those it may be of; who brings a good code for a bad one of their own is paid by the same claim."""
        while code_id in self.came and code_id in self.old_of:
            if self.moved(code_id, offers):
                return [self.of_code[code_id]] if code_id in self.of_code else []
            code_id = self.old_of[code_id].old_code_id
            offer_id = offers.get(code_id)
        return [] if offer_id is None else self.of_line.get(offer_id, [])


def look_again(session: Session, order_ids: Collection[int]) -> int:
    """Reverse, of the claims of these orders, the units that are gone and were not reversed; returns how many.

    It goes by what is so, not by what has happened: looking twice changes nothing.
    """
    gone = _by_order(orders.refunded_codes_of(session, order_ids))
    came = _by_order(orders.exchanged_codes_of(session, order_ids))
    touched = sorted(gone.keys() | came.keys())
    if not touched:
        return 0
    lines: dict[int, list[SoldLine]] = defaultdict(list)
    for line in orders.sold_lines(session, touched):
        lines[line.order_id].append(line)
    replaced: dict[int, list[Replaced]] = defaultdict(list)
    for one in aftersale.replaced_codes(session, touched):
        replaced[one.order_id].append(one)
    offers = {code.offer_id for order in (gone, came) for codes in order.values() for code in codes}
    sources = supply.consigned(session, offers | {line.offer_id for some in lines.values() for line in some})
    claims = claims_of(session, touched)
    drafts = []
    for order_id in touched:
        drafts += _standing_in(_Roots(claims[order_id], came[order_id], replaced[order_id], sources), lines[order_id], gone[order_id])
    if drafts:
        write_claims(session, drafts)
        claims = claims_of(session, touched)
    back: dict[int, int] = {}
    by_id = {claim.id: claim for some in claims.values() for claim in some}
    for order_id in touched:
        roots = _Roots(claims[order_id], came[order_id], replaced[order_id], sources)
        back.update(_gone_of(roots, lines[order_id], gone[order_id]))
    return _reverse(session, [(by_id[claim_id], units - by_id[claim_id].reversed_units) for claim_id, units in sorted(back.items())])


def _by_order(codes: Iterable[CodeFate]) -> dict[int, list[CodeFate]]:
    found: dict[int, list[CodeFate]] = defaultdict(list)
    for code in codes:
        found[code.order_id].append(code)
    return found


def claims_of(session: Session, order_ids: Collection[int]) -> dict[int, list[Claim]]:
    """The claims of these orders, locked."""
    found: dict[int, list[Claim]] = defaultdict(list)
    rows = session.scalars(
        select(Claim)
        .where(among(session, Claim.order_id, order_ids))
        .order_by(Claim.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for claim in rows:
        found[claim.order_id].append(claim)
    return found


def _offers(roots: _Roots, lines: Sequence[SoldLine], gone: Sequence[CodeFate]) -> dict[int, int]:
    """Which offer each code is of that was refunded, replaced, or came in another's place."""
    known = {code.code_id: code.offer_id for code in (*gone, *roots.came.values())}
    for one in roots.old_of.values():
        known.setdefault(one.old_code_id, one.old_offer_id)
    return known


def _standing_in(roots: _Roots, lines: Sequence[SoldLine], gone: Sequence[CodeFate]) -> list[Draft]:
    """Claims, not made yet, of codes that came from another supplier than the bad one's."""
    offers, drafts = _offers(roots, lines, gone), []
    units = sum(line.units for line in lines)
    for code_id, code in sorted(roots.came.items()):
        source = roots.sources.get(code.offer_id)
        if source is None or code.payable_id is None or code_id in roots.of_code or code_id not in roots.old_of:
            continue
        if not roots.moved(code_id, offers):
            continue
        one = lines[0]
        same = code.cost_currency == one.currency
        discount = (sum(line.unit_price_minor * line.units for line in lines) - one.total_minor) // units if same else 0
        price = one.unit_price_minor if same else code.cost_minor
        drafts.append(
            Draft(
                code.order_id,
                0,
                code_id,
                one.storefront_id,
                code.cost_currency,
                source,
                1,
                price,
                code.cost_minor,
                discount,
                roots.old_of[code_id].at,
                one.placed_at,
                one.issued_at,
                code.exclusive,
            )
        )
    return drafts


def _gone_of(roots: _Roots, lines: Sequence[SoldLine], gone: Sequence[CodeFate]) -> dict[int, int]:
    """How many units of each claim were refunded, or are another supplier's money now."""
    offers = _offers(roots, lines, gone)
    units = [(roots.claims(code.code_id, code.offer_id, offers), code.cost_minor) for code in gone]
    for code_id in roots.came:
        if code_id in roots.old_of and roots.moved(code_id, offers):
            old = roots.old_of[code_id].old_code_id
            units.append((roots.claims(old, offers.get(old), offers), -1))
    found: dict[int, int] = defaultdict(int)
    left = []
    for claims, cost_minor in units:
        own = [claim for claim in claims if claim.cost_minor == cost_minor * claim.units and found[claim.id] < claim.units]
        if own:
            found[own[0].id] += 1
        elif claims:
            left.append(claims)
    for claims in left:
        room = [claim for claim in claims if found[claim.id] < claim.units]
        assert room, "no more units are gone than were claimed"
        found[room[0].id] += 1
    return found


def _reverse(session: Session, back: Iterable[tuple[Claim, int]]) -> int:
    """Take so many more units of each of these claims back."""
    at, done = now(session), 0
    together: dict[tuple[int, int, str, bool], list[tuple[Claim, int]]] = defaultdict(list)
    for claim, units in back:
        if units > 0:
            together[claim.supplier_id, claim.storefront_id, claim.currency, claim.release_run_id is not None].append((claim, units))
    for (supplier_id, storefront_id, currency, released), some in sorted(together.items()):
        sums, rows = Amounts(), []
        for claim, units in some:
            gone = of_units(whole_of(claim), claim.units, before=claim.reversed_units, count=units)
            cost = claim.cost_minor // claim.units * units
            add_parts(sums, gone, cost)
            rows.append(
                {
                    "claim_id": claim.id,
                    "supplier_id": supplier_id,
                    "currency": currency,
                    "before": claim.reversed_units,
                    "units": units,
                    "released": released,
                    "cost_minor": cost,
                    "supplier_minor": gone.supplier_minor,
                    **{f"{label}_minor": gone.shop[label] for label in Label},
                    "at": at,
                }
            )
            claim.reversed_units += units
            claim.counted = False
            if claim.reversed_units == claim.units:
                claim.state = ClaimState.REVERSED
            done += units
        run = make_run(session, RunKind.REVERSE, supplier_id, storefront_id, currency, sums)
        session.execute(insert(Reversal), [{**row, "run_id": run.id} for row in rows])
        till = accounts.sales(session, storefront_id, currency)
        payable = accounts.held(session, supplier_id, currency)
        moves = [(accounts.revenue(session, storefront_id, label, currency), till, sums.shop[label]) for label in Label if sums.shop[label]]
        if released:
            # The refund took the cost from what is held, where it is no more: it is made good from what is due.
            moves.append((accounts.due(session, supplier_id, currency), payable, sums.supplier))
        moves.append((payable, till, sums.supplier - sums.cost))
        post_run(session, run, moves)
    session.flush()
    return done
