"""What a statement says. Amounts are in minor units of the currency beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from core.books.checks import Difference

# Which way a pot fills: gateways are owned, a debit raises them; everything else is owed or earned, and a credit raises it.
OWNED = ("gateway",)


@dataclass(frozen=True, slots=True)
class Sales:
    """Orders whose money was taken in the span, and refunds of codes in it, whenever these were sold; in one currency.

    `list_minor` less `tiers_minor` less `coupons_minor` is `sales_minor`. Of `refunded_minor`, `to_source_minor` was set aside for
    the way it was paid by, and the rest went to wallets.
    """

    currency: str
    orders: int = 0
    codes: int = 0
    list_minor: int = 0
    tiers_minor: int = 0
    coupons_minor: int = 0
    sales_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0
    to_source_minor: int = 0
    codes_returned: int = 0
    codes_void: int = 0

    @property
    def to_wallet_minor(self) -> int:
        return self.refunded_minor - self.to_source_minor


@dataclass(frozen=True, slots=True)
class Cost:
    """What the codes that were sold had cost, and what of it came back with refunds: for sale again, or borne by the supplier.

    `replaced` codes were given for bad ones and cost `replaced_minor` more; of that, `replaced_back_minor` was taken from the
    suppliers of the bad ones. `back_replaced_minor` is what of `back_minor` came back with refunds of such codes.
    """

    currency: str
    cost_minor: int = 0
    back_minor: int = 0
    back_replaced_minor: int = 0
    replaced: int = 0
    replaced_minor: int = 0
    replaced_back_minor: int = 0

    @property
    def spent_minor(self) -> int:
        """What is left of it all."""
        return self.cost_minor - self.back_minor + self.replaced_minor - self.replaced_back_minor


@dataclass(frozen=True, slots=True)
class Margin:
    """Sales less refunds less what codes had cost – sold, and given for bad ones – and nobody gave back, all in one currency.

    Less `resellers_minor`, too: what of the sales in resellers' own bots was booked as theirs. Fees of payments and disputes, losses,
    and what is lost or won by exchange, are not in it.
    """

    currency: str
    minor: int
    resellers_minor: int = 0


@dataclass(frozen=True, slots=True)
class Payments:
    """What one way to be paid did in one of its currencies; `worth_minor` is in the shop's currency.

    `paid_minor` is what payers paid, `borne_minor` the part of it that was their share of the fee; `kept_minor` is what the
    provider is expected to keep. `back_minor` are payments that the provider gave back whole of its own accord, `parts_minor` parts
    of payments, `refunded_minor` what we asked for. Disputes took `disputed_minor`, and `put_back_minor` came back from them, also
    of earlier days; the provider charged `charged_minor` for that, less what it gave back of it. What of all this the balances did
    not hold was lost, `lost_minor`; `regained_minor` of losses was put back or kept of a refund; both in the shop's currency.
    `odd_minor` came in and could be credited to nobody: it is in no account.
    """

    method: str
    currency: str
    for_orders: int = 0
    for_orders_minor: int = 0
    deposits: int = 0
    deposits_minor: int = 0
    worth_minor: int = 0
    borne_minor: int = 0
    kept_minor: int = 0
    back: int = 0
    back_minor: int = 0
    parts: int = 0
    parts_minor: int = 0
    disputed: int = 0
    disputed_minor: int = 0
    put_back: int = 0
    put_back_minor: int = 0
    charged_minor: int = 0
    lost_minor: int = 0
    regained_minor: int = 0
    refunded: int = 0
    refunded_minor: int = 0
    odd: int = 0
    odd_minor: int = 0

    @property
    def paid(self) -> int:
        return self.for_orders + self.deposits

    @property
    def paid_minor(self) -> int:
        return self.for_orders_minor + self.deposits_minor


@dataclass(frozen=True, slots=True)
class Flow:
    """What came into a pot, or went out of it, by one cause."""

    cause: str
    minor: int


@dataclass(frozen=True, slots=True)
class Pot:
    """All accounts of one kind, label and currency together: `opening_minor` and what came in, less what went out, is `closing_minor`."""

    kind: str
    label: str
    currency: str
    opening_minor: int
    into: tuple[Flow, ...]
    out: tuple[Flow, ...]
    closing_minor: int

    @property
    def in_minor(self) -> int:
        return sum(flow.minor for flow in self.into)

    @property
    def out_minor(self) -> int:
        return sum(flow.minor for flow in self.out)


@dataclass(frozen=True, slots=True)
class Statement:
    """The books of a storefront from `since` to `until` (not included), as they were at `made_at`.

    `underway_minor` is, by currency, what is on its way back to where it was paid from at `made_at`, and `questioned_minor` what banks
    then decide about. `differences` is empty when the tables of orders, refunds, payments and cases agree with the ledger to the
    minor unit.
    """

    storefront_id: int
    name: str
    currency: str
    since: datetime
    until: datetime
    made_at: datetime
    sales: tuple[Sales, ...]
    costs: tuple[Cost, ...]
    margins: tuple[Margin, ...]
    payments: tuple[Payments, ...]
    pots: tuple[Pot, ...]
    underway: int = 0
    underway_minor: dict[str, int] = field(default_factory=dict)
    questioned: int = 0
    questioned_minor: dict[str, int] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()

    def pot(self, kind: str, currency: str, label: str = "") -> Pot | None:
        """The pot of this kind, currency and label, if there has ever been one."""
        return next((pot for pot in self.pots if (pot.kind, pot.label, pot.currency) == (kind, label, currency)), None)
