"""What a purchase costs and why: one pure function for the buyer's screen, for the sale, and for what the order keeps.

All amounts are whole minor units of a currency with whatever digits it has, and exact. What must be rounded is rounded once, half up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from core.money import convert_up, fee_on, up_to_step
from core.ports import Fee

LEAST_MINOR = 1  # A discount leaves at least this much to pay: nothing can be paid with no money.

Fact = int | str


@dataclass(frozen=True, slots=True, order=True)
class Tier:
    """From so many in one order on, each of them costs `unit_minor`."""

    from_quantity: int
    unit_minor: int


@dataclass(frozen=True, slots=True)
class Price:
    """What one unit costs, in minor units; `id` is the version a quote carries. Tiers rise in quantity and fall in price."""

    id: int
    sku_id: int
    retail_minor: int
    wholesale_minor: int | None
    currency: str
    tiers: tuple[Tier, ...] = ()

    def tier_for(self, quantity: int) -> Tier | None:
        """The tier that an order of so many has earned."""
        return next((tier for tier in reversed(self.tiers) if tier.from_quantity <= quantity), None)

    def unit_for(self, quantity: int) -> int:
        """What each of so many costs."""
        tier = self.tier_for(quantity)
        return self.retail_minor if tier is None else tier.unit_minor

    def wholesale(self) -> Price:
        """The same price as a reseller pays it: wholesale where that is less, and of the tiers those that are lower still.

        So a reseller pays for each unit the lower of the wholesale price and the tier that the order earns, never more than others.
        """
        unit = self.retail_minor if self.wholesale_minor is None else min(self.retail_minor, self.wholesale_minor)
        return replace(self, retail_minor=unit, tiers=tuple(tier for tier in self.tiers if tier.unit_minor < unit))

    def capped(self, base: Price) -> Price:
        """The same price, nowhere above what anybody pays by `base`: one unit price for each quantity, the lower of the two."""
        assert self.currency == base.currency, "prices of one currency are compared"
        starts = sorted({1, *(tier.from_quantity for tier in (*self.tiers, *base.tiers))})
        units = [min(self.unit_for(quantity), base.unit_for(quantity)) for quantity in starts]
        tiers = [Tier(start, unit) for start, unit, before in zip(starts[1:], units[1:], units, strict=False) if unit < before]
        return replace(self, retail_minor=units[0], tiers=tuple(tiers))

    def next_tier(self, quantity: int) -> Tier | None:
        """The tier that a larger order would earn."""
        return next((tier for tier in self.tiers if tier.from_quantity > quantity), None)


@dataclass(frozen=True, slots=True)
class Cut:
    """What makes a purchase cheaper: an amount, or so many hundredths of a per cent up to `cap_minor`; `why` is its message id."""

    why: str
    amount_minor: int = 0
    basis_points: int = 0
    cap_minor: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.amount_minor >= 0 and 0 <= self.basis_points <= 10_000, "a cut never makes anything dearer"
        assert self.cap_minor is None or self.cap_minor >= 0, "a cap is an amount"


@dataclass(frozen=True, slots=True)
class Discount:
    """What a cut took off: its message id, the amount, and what there is to be said about it."""

    why: str
    amount_minor: int
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a number of the quote is what it is: a message id and its facts. Facts called `…_minor` are of the fact `currency`.

    tier (from_quantity, unit_minor, retail_minor) · coupon-cap (cap_minor) · least (least_minor) · fee (fee_minor) · fee-borne (fee_minor).
    """

    says: str
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToPay:
    """One payment of a method, in minor units of its own currency: amount = net + fee, rounded up to a whole step.

    Of it the provider keeps `kept_minor`.
    """

    currency: str
    worth_minor: int  # in the shop's currency: what the payment is good for
    net_minor: int
    fee_minor: int
    amount_minor: int
    kept_minor: int
    step_minor: int = 1  # the amount is a whole multiple of it; what that adds is in neither net nor fee


@dataclass(frozen=True, slots=True)
class Quote:
    """What so many cost, in minor units of `currency`: goods − discounts = total, which is never below LEAST_MINOR.

    `from_wallet_minor` of the total comes from the wallet; with a way to pay, `payment` is the rest in that way's currency, with
    its fee on top when the payer bears it.
    """

    price_id: int
    quantity: int
    unit_minor: int
    tier: Tier | None
    goods_minor: int
    discounts: tuple[Discount, ...]
    total_minor: int
    currency: str
    from_wallet_minor: int = 0
    payment: ToPay | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def discount_minor(self) -> int:
        return sum(discount.amount_minor for discount in self.discounts)

    @property
    def fee_minor(self) -> int:
        """What the payer bears of the method's fee, in the currency of the payment."""
        return 0 if self.payment is None else self.payment.fee_minor

    @property
    def plain(self) -> bool:
        """Nothing but the price times the quantity: an order need not keep that."""
        return self.tier is None and not self.discounts


def quote(
    price: Price,
    quantity: int,
    *,
    cuts: Sequence[Cut] = (),
    from_wallet_minor: int = 0,
    fee: Fee | None = None,
    pay_currency: str | None = None,
    rate: Fraction | None = None,
) -> Quote:
    """What `quantity` at this price cost: the tier it earns, then the cuts one after the other, then the fee of the way to pay.

    A percentage is of what the cuts before it left, rounded half up to the minor unit, then capped. A discount never takes all:
    LEAST_MINOR remains. With a `fee` the part that the wallet does not pay is put into `pay_currency` (the price's own, when none is
    given) at `rate`, as `to_pay` says.
    """
    assert quantity >= 1, "nothing is quoted for nothing"
    tier, unit, currency = price.tier_for(quantity), price.unit_for(quantity), price.currency
    goods = unit * quantity
    reasons: list[Reason] = []
    if tier is not None:
        facts: dict[str, Fact] = {"from_quantity": tier.from_quantity, "unit_minor": unit, "retail_minor": price.retail_minor}
        reasons.append(Reason("tier", {**facts, "currency": currency}))
    left, discounts = goods, []
    for cut in cuts:
        off = cut.amount_minor + fee_on(left, cut.basis_points, 0)
        if cut.cap_minor is not None and off > cut.cap_minor:
            off = cut.cap_minor
            reasons.append(Reason(f"{cut.why}-cap", {"cap_minor": off, "currency": currency}))
        if off > left - LEAST_MINOR:
            off = left - LEAST_MINOR
            reasons.append(Reason("least", {"least_minor": LEAST_MINOR, "currency": currency}))
        if off > 0:
            discounts.append(Discount(cut.why, off, cut.facts))
            left -= off
    assert 0 <= from_wallet_minor <= left, "the wallet pays a part of the total"
    payment = None
    if fee is not None and from_wallet_minor < left:
        payment = to_pay(left - from_wallet_minor, currency, fee=fee, pay_currency=pay_currency, rate=rate)
        borne = fee_on(payment.amount_minor, fee.basis_points, fee.fixed_minor) if not fee.passed_on else 0
        if payment.fee_minor:
            reasons.append(Reason("fee", {"fee_minor": payment.fee_minor, "currency": payment.currency}))
        elif borne:
            reasons.append(Reason("fee-borne", {"fee_minor": borne, "currency": payment.currency}))
    return Quote(price.id, quantity, unit, tier, goods, tuple(discounts), left, currency, from_wallet_minor, payment, tuple(reasons))


def to_pay(
    worth_minor: int, currency: str, *, fee: Fee, pay_currency: str | None = None, rate: Fraction | None = None, step_minor: int = 1
) -> ToPay:
    """A payment worth so much of the shop's `currency`: converted at `rate` (minor units of `currency` for one of `pay_currency`) and
    rounded up, so that the shop never gets less than the price; then the fee on that, when the payer bears it; and the sum rounded up
    to a whole `step_minor`, where a provider takes no smaller coin.

    The percentage is of the net amount, rounded half up; the fixed part is in minor units of the payment's currency already.
    """
    assert worth_minor > 0 and fee.basis_points >= 0 and fee.fixed_minor >= 0 and step_minor >= 1
    net, of = worth_minor, pay_currency or currency
    if of != currency:
        assert rate is not None and rate > 0, "nothing is converted without a recorded rate"
        net = convert_up(worth_minor, 1 / rate)
    on_top = fee_on(net, fee.basis_points, fee.fixed_minor) if fee.passed_on else 0
    amount = up_to_step(net + on_top, step_minor)
    kept = min(amount, fee_on(amount, fee.basis_points, fee.fixed_minor))
    return ToPay(of, worth_minor, net, on_top, amount, kept, step_minor)


def affordable(price: Price, budget_minor: int, most: int) -> int:
    """How many, at most `most`, a budget buys without any discount; 0 when it is too little for one.

    Tiers may make more cost less, so each tier's span is looked at by itself.
    """
    found, starts = 0, [1, *(tier.from_quantity for tier in price.tiers)]
    for start, after in zip(starts, [*starts[1:], most + 1], strict=True):
        n = min(budget_minor // price.unit_for(start), after - 1, most)
        if n >= start:
            found = max(found, n)
    return found


def portion(amount_minor: int, *, of: int, before: int, units: int) -> int:
    """The part of an amount that belongs to `units` of `of` equal units, when `before` of them had theirs already.

    Rounded down, and exact over all of them: the parts of a whole add up to the whole in whatever order they are asked for.
    """
    assert of > 0 and 0 <= before <= before + units <= of
    return amount_minor * (before + units) // of - amount_minor * before // of
