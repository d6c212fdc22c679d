"""Keeping prices above costs: what a storefront wants of every price, prices proposed when a cost leaves too little, and the guard."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import ClassVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import catalog, journal, outbox, people, pricing, rates, storefronts
from core.catalog import Gone
from core.database import insert_new, now, read, write
from core.errors import N_, Refusal
from core.money import convert_up
from core.pricing import Price, Tier
from core.supply import rules
from core.supply.rules import Prices
from core.supply.stops import lift, stop, stops
from core.supply.tables import Offer as OfferRow
from core.supply.tables import OfferStop, Outcome, PriceRule, Repricing, Source, Stop

LEAST_MARGIN_BP = 200  # until a storefront says otherwise


@dataclass(eq=False)
class TooLowForOthers(Refusal):
    """A price set by hand from a proposal must be above what larger quantities cost each."""

    says: ClassVar[str] = N_("This is not above the price for larger quantities. Please type a higher one, or change those first.")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a storefront wants of its prices: the least margin in hundredths of a per cent, and whether it ever sells at a loss."""

    storefront_id: int
    least_margin_bp: int = LEAST_MARGIN_BP
    never_below_cost: bool = False


@dataclass(frozen=True, slots=True)
class RepricingView:
    """A price proposed because a cost went up; `before` are the prices it is about, and `worth_minor` the cost in their currency."""

    id: int
    offer_id: int
    sku_id: int
    storefront_id: int
    price_id: int
    old_cost_minor: int
    old_cost_currency: str
    cost_minor: int
    cost_currency: str
    worth_minor: int
    currency: str
    least_margin_bp: int
    before: Prices
    proposed: Prices
    made_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    outcome: Outcome | None

    @property
    def margin_bp(self) -> int:
        """What the lowest price leaves now."""
        return rules.margin_bp(rules.weakest(self.before), self.worth_minor)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a press did: `outcome` is what holds now, `first` whether this press decided it."""

    outcome: Outcome
    first: bool


def prices_of(price: Price) -> Prices:
    """The prices that belong together, as the arithmetic takes them."""
    return Prices(price.retail_minor, price.wholesale_minor, {tier.from_quantity: tier.unit_minor for tier in price.tiers})


def worth_in(session: Session, cost_minor: int, cost_currency: str, currency: str) -> int | None:
    """A cost in a storefront's currency, at the market's rate and rounded up; None when there is no rate that holds."""
    if cost_currency == currency:
        return cost_minor
    rate = rates.latest(session, base=cost_currency, quote=currency)
    return None if rate is None else convert_up(cost_minor, Fraction(rate.market))


@read
def rule_of(session: Session, storefront_id: int) -> Rule:
    """What this storefront wants of its prices."""
    row = session.get(PriceRule, storefront_id)
    return Rule(storefront_id) if row is None else Rule(storefront_id, row.least_margin_bp, row.never_below_cost)


@write
def set_rule(
    session: Session,
    *,
    storefront_id: int,
    by: str,
    least_margin_bp: int | None = None,
    never_below_cost: bool | None = None,
) -> Rule:
    """Change what a storefront wants of its prices; the guard takes hold at once, the margin at the next change of a cost."""
    assert least_margin_bp is None or 0 <= least_margin_bp < rules.WHOLE, "a margin is a part of the price"
    rule_row(session, storefront_id)
    row = session.get_one(PriceRule, storefront_id, with_for_update=True, populate_existing=True)
    before = {"least_margin_bp": row.least_margin_bp, "never_below_cost": row.never_below_cost}
    row.least_margin_bp = row.least_margin_bp if least_margin_bp is None else least_margin_bp
    row.never_below_cost = row.never_below_cost if never_below_cost is None else never_below_cost
    after = {"least_margin_bp": row.least_margin_bp, "never_below_cost": row.never_below_cost}
    session.flush()
    if after != before:
        journal.record(session, by=by, did="set-price-rule", about="storefront", about_id=storefront_id, before=before, after=after)
        guard_losses(session)
    return rule_of(session, storefront_id)


def rule_row(session: Session, storefront_id: int) -> None:
    """A part of commands: the storefront has a row of its own from now on."""
    session.execute(
        insert_new(session, PriceRule).values(
            storefront_id=storefront_id, least_margin_bp=LEAST_MARGIN_BP, never_below_cost=False, told_upto_price_id=None
        )
    )


def look_at_prices(session: Session, offer: OfferRow, *, old_minor: int, old_currency: str) -> None:
    """A part of commands: the cost of a locked offer has changed; propose prices where too little is left, and keep from losses."""
    for storefront in storefronts.all_open(session):
        price = pricing.current(session, storefront_id=storefront.id, sku_ids=[offer.sku_id]).get(offer.sku_id)
        if price is None:
            continue
        _follow(session, offer.id, storefront.id)
        worth = worth_in(session, offer.cost_minor, offer.cost_currency, price.currency)
        if worth is None:
            continue
        rule, prices = rule_of(session, storefront.id), prices_of(price)
        if rules.weakest(prices) < rules.least_price(worth, rule.least_margin_bp):
            _propose(session, offer, storefront.id, price, worth, rule, old_minor=old_minor, old_currency=old_currency)
        _guard(session, offer.id, rule, prices, worth)


def _follow(session: Session, offer_id: int, storefront_id: int) -> None:
    """What was proposed for an earlier cost is out of date."""
    row = session.scalars(
        select(Repricing)
        .where(Repricing.offer_id == offer_id, Repricing.storefront_id == storefront_id, Repricing.decided_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if row is not None:
        row.decided_at, row.outcome = now(session), Outcome.FOLLOWED
        session.flush()


def _propose(
    session: Session, offer: OfferRow, storefront_id: int, price: Price, worth: int, rule: Rule, *, old_minor: int, old_currency: str
) -> None:
    proposed = rules.enough(prices_of(price), worth, rule.least_margin_bp)
    row = Repricing(
        offer_id=offer.id,
        sku_id=offer.sku_id,
        storefront_id=storefront_id,
        price_id=price.id,
        old_cost_minor=old_minor,
        old_cost_currency=old_currency,
        cost_minor=offer.cost_minor,
        cost_currency=offer.cost_currency,
        worth_minor=worth,
        currency=price.currency,
        least_margin_bp=rule.least_margin_bp,
        retail_minor=proposed.retail_minor,
        wholesale_minor=proposed.wholesale_minor,
        tiers={str(quantity): unit for quantity, unit in proposed.tiers.items()},
        made_at=now(session),
    )
    session.add(row)
    session.flush()
    for member in people.staff(session, storefront_id=storefront_id):
        if member.customer is not None:
            outbox.post(
                session,
                topic=outbox.Topic.ALERT,
                customer_id=member.customer.id,
                body={"says": "reprice", "repricing": row.id},
                once=f"reprice:{row.id}:{member.customer.id}",
            )


def _guard(session: Session, offer_id: int, rule: Rule, prices: Prices, worth: int) -> None:
    """Stop the offer where the storefront never sells at a loss and this would be one; else lift what stopped it for that."""
    ref = f"storefront:{rule.storefront_id}"
    if rule.never_below_cost and worth > rules.weakest(prices):
        stop(session, offer_ids=[offer_id], why=Stop.LOSS, by="guard", ref=ref)
    elif any(found.why is Stop.LOSS and found.ref == ref for found in stops(session, [offer_id])):
        lift(session, offer_ids=[offer_id], why=Stop.LOSS, by="guard", ref=ref)


@write
def guard_losses(session: Session, *, sku_id: int | None = None, offer_id: int | None = None) -> int:
    """Look at every offer again (those of one denomination, or one, when given): prices may have fallen below a cost, or be above it again.

    Returns how many offers it stopped or let sell again.
    """
    question = select(OfferRow).join(Source, Source.offer_id == OfferRow.id).where(OfferRow.stopped_at.is_(None)).order_by(OfferRow.id)
    if sku_id is not None:
        question = question.where(OfferRow.sku_id == sku_id)
    if offer_id is not None:
        question = question.where(OfferRow.id == offer_id)
    stopped = {(found.offer_id, found.ref) for found in stops(session, _stopped_for_loss(session))}
    todo: list[tuple[int, Rule, Prices, int]] = []
    guarded = [(storefront, rule_of(session, storefront.id)) for storefront in storefronts.all_open(session)]
    if not stopped and not any(rule.never_below_cost for _, rule in guarded):
        return 0
    offers = session.scalars(question).all()
    for storefront, rule in guarded:
        prices = pricing.current(session, storefront_id=storefront.id, sku_ids=sorted({offer.sku_id for offer in offers}))
        for offer in offers:
            price = prices.get(offer.sku_id)
            worth = None if price is None else worth_in(session, offer.cost_minor, offer.cost_currency, price.currency)
            if price is None or worth is None:
                continue
            loss = rule.never_below_cost and worth > rules.weakest(prices_of(price))
            if loss != ((offer.id, f"storefront:{storefront.id}") in stopped):
                todo.append((offer.id, rule, prices_of(price), worth))
    for stopped_id, rule, theirs, worth in sorted(todo, key=lambda one: one[0]):
        _guard(session, stopped_id, rule, theirs, worth)
    return len(todo)


def _stopped_for_loss(session: Session) -> list[int]:
    """The offers that the guard has stopped."""
    return list(session.scalars(select(OfferStop.offer_id).where(OfferStop.why == Stop.LOSS, OfferStop.lifted_at.is_(None))))


def _view(session: Session, row: Repricing) -> RepricingView:
    price = pricing.version(session, row.price_id)
    assert price is not None, "versions of prices are never deleted"
    return RepricingView(
        row.id,
        row.offer_id,
        row.sku_id,
        row.storefront_id,
        row.price_id,
        row.old_cost_minor,
        row.old_cost_currency,
        row.cost_minor,
        row.cost_currency,
        row.worth_minor,
        row.currency,
        row.least_margin_bp,
        prices_of(price),
        Prices(row.retail_minor, row.wholesale_minor, {int(quantity): int(unit) for quantity, unit in row.tiers.items()}),
        row.made_at,
        row.decided_at,
        row.decided_by,
        row.outcome,
    )


@read
def repricing(session: Session, repricing_id: int) -> RepricingView | None:
    """A proposed price, decided or not."""
    row = session.get(Repricing, repricing_id)
    return None if row is None else _view(session, row)


@read
def repricings(session: Session, *, storefront_id: int, limit: int = 20, page: int = 0) -> list[RepricingView]:
    """The proposals of a storefront that nobody has decided, the oldest first."""
    rows = session.scalars(
        select(Repricing)
        .where(Repricing.storefront_id == storefront_id, Repricing.decided_at.is_(None))
        .order_by(Repricing.id)
        .limit(limit)
        .offset(page * limit)
    )
    return [_view(session, row) for row in rows]


@write
def decide_price(
    session: Session, *, repricing_id: int, storefront_id: int, by: str, take: bool, other_minor: int | None = None
) -> Decided:
    """Take a proposed price, set another retail price, or (`take` false) leave it as it is. The first press decides.

    When the price was changed since it was proposed, nothing is set and the proposal is over. Raises Gone, TooLowForOthers.
    """
    row = session.scalars(
        select(Repricing).where(Repricing.id == repricing_id).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or row.storefront_id != storefront_id:
        raise Gone
    if row.outcome is not None:
        return Decided(row.outcome, first=False)
    price = pricing.current(session, storefront_id=storefront_id, sku_ids=[row.sku_id]).get(row.sku_id)
    if price is None or price.id != row.price_id:
        outcome = Outcome.MOVED
    elif take:
        wanted = _view(session, row).proposed if other_minor is None else _other(other_minor, row)
        pricing.set_price(
            session,
            storefront_id=storefront_id,
            sku_id=row.sku_id,
            retail_minor=wanted.retail_minor,
            wholesale_minor=wanted.wholesale_minor,
            currency=row.currency,
            tiers=[Tier(quantity, unit) for quantity, unit in sorted(wanted.tiers.items())],
            by=by,
        )
        outcome = Outcome.TAKEN if other_minor is None else Outcome.OTHER
    else:
        outcome = Outcome.IGNORED
        journal.record(
            session,
            by=by,
            did="ignore-price",
            about="sku",
            about_id=row.sku_id,
            before={"proposed_minor": row.retail_minor, "currency": row.currency},
        )
    row.decided_at, row.decided_by, row.outcome = now(session), by[:64], outcome
    session.flush()
    guard_losses(session, sku_id=row.sku_id)
    return Decided(outcome, first=True)


def _other(retail_minor: int, row: Repricing) -> Prices:
    """The staff's own retail price, with the others raised as was proposed and never above it."""
    wholesale = None if row.wholesale_minor is None else min(row.wholesale_minor, retail_minor)
    tiers = {int(quantity): int(unit) for quantity, unit in row.tiers.items()}
    if any(unit >= retail_minor for unit in tiers.values()):
        raise TooLowForOthers
    return Prices(retail_minor, wholesale, tiers)


@read
def bands(session: Session, *, storefront_id: int, sku_id: int) -> list[str]:
    """Which of cost ≤ wholesale ≤ retail ≤ face stand the wrong way round, by the dearest source that sells; what is not known,
    or is in a currency without a rate, is passed over.
    """
    sku = catalog.sku(session, sku_id)
    price = pricing.current(session, storefront_id=storefront_id, sku_ids=[sku_id]).get(sku_id)
    if sku is None or price is None:
        return []
    offers = session.execute(
        select(OfferRow.cost_minor, OfferRow.cost_currency).where(
            OfferRow.sku_id == sku_id, OfferRow.stopped_at.is_(None), OfferRow.closed_at.is_(None)
        )
    )
    costs = [worth for minor, currency in offers if (worth := worth_in(session, minor, currency, price.currency)) is not None]
    face = None
    if sku.face_value_minor is not None and sku.face_currency is not None:
        face = worth_in(session, sku.face_value_minor, sku.face_currency, price.currency)
    return rules.out_of_band(
        cost_minor=max(costs, default=None),
        wholesale_minor=price.wholesale_minor,
        retail_minor=price.retail_minor,
        face_minor=face,
    )
