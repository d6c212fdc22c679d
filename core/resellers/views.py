"""Resellers, levels, rules and applications as others see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.onboarding import ApplicationState, Legal, Verdict
from core.pricing import Tier
from core.resellers.rules import Rule, Step
from core.resellers.tables import (
    ContractPrice,
    How,
    Level,
    LevelRule,
    MinimumPrice,
    Reseller,
    ResellerApplication,
    Scope,
    Undercut,
)


class Asked(StrEnum):
    """What is asked of an applicant, in this order."""

    LEGAL = "legal"
    NAME = "name"
    CONTACT = "contact"
    SELLS = "sells"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class LevelView:
    """A level of resellers; a higher rank is a better one. The turnover that earns it is of the storefront's currency and window."""

    id: int
    storefront_id: int
    rank: int
    name: str
    from_turnover_minor: int | None
    closed: bool

    @property
    def step(self) -> Step:
        return Step(self.id, self.rank, self.from_turnover_minor)


@dataclass(frozen=True, slots=True)
class RuleView:
    """One line of a price list; see Rule for its amounts."""

    id: int
    level_id: int
    scope: Scope
    scope_id: int
    from_quantity: int
    how: How
    value: int
    below_cost_by: str | None

    @property
    def rule(self) -> Rule:
        return Rule(self.scope, self.scope_id, self.from_quantity, self.how, self.value, self.below_cost_by is not None)


@dataclass(frozen=True, slots=True)
class ResellerView:
    """A reseller with the turnover of the storefront's window, in minor units, as it was counted the last time."""

    customer_id: int
    storefront_id: int
    name: str
    contact: str | None
    sells: str | None
    since: datetime
    level_since: datetime
    level: LevelView | None
    pinned: bool
    turnover_minor: int
    looked_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ContractView:
    """What was agreed with a reseller about a denomination, in minor units."""

    id: int
    storefront_id: int
    customer_id: int
    sku_id: int
    unit_minor: int
    currency: str
    tiers: tuple[Tier, ...]
    ends_at: datetime | None
    dearer: bool
    below_cost: bool
    by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """An application to buy for selling again; None is what is not answered yet."""

    id: int
    storefront_id: int
    customer_id: int
    telegram_id: int
    legal: Legal | None
    name: str | None
    contact: str | None
    sells: str | None
    volume: str | None
    state: ApplicationState
    version: int
    revision: int
    findings: dict[str, Any]
    sent_at: datetime | None
    verdict: Verdict | None
    verdict_by: str | None
    verdict_at: datetime | None
    why: str | None
    why_text: str | None
    level_id: int | None

    @property
    def editable(self) -> bool:
        return self.state in (ApplicationState.DRAFT, ApplicationState.SENT_BACK)

    @property
    def next(self) -> Asked | None:
        """The first question that is not answered; None when all are."""
        return next((asked for asked in Asked if getattr(self, asked.value) is None), None)


@dataclass(frozen=True, slots=True)
class MinimumView:
    """Below this nobody may sell a denomination on."""

    sku_id: int
    unit_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class UndercutView:
    """Where a reseller was seen to ask less than the minimum, with the amounts of that moment."""

    id: int
    storefront_id: int
    customer_id: int
    sku_id: int
    seen_where: str
    asked_minor: int
    minimum_minor: int
    currency: str
    by: str
    at: datetime
    closed_at: datetime | None


def level_view(row: Level) -> LevelView:
    return LevelView(row.id, row.storefront_id, row.rank, row.name, row.from_turnover_minor, row.closed_at is not None)


def rule_view(row: LevelRule) -> RuleView:
    return RuleView(row.id, row.level_id, row.scope, row.scope_id, row.from_quantity, row.how, row.value, row.below_cost_by)


def reseller_view(row: Reseller, level: LevelView | None) -> ResellerView:
    return ResellerView(
        row.customer_id,
        row.storefront_id,
        row.name,
        row.contact,
        row.sells,
        row.since,
        row.level_since,
        level,
        row.pinned,
        row.turnover_minor,
        row.looked_at,
        row.ended_at,
    )


def tiers_of(kept: dict[str, Any]) -> tuple[Tier, ...]:
    return tuple(sorted(Tier(int(quantity), int(unit)) for quantity, unit in kept.items()))


def contract_view(row: ContractPrice) -> ContractView:
    return ContractView(
        row.id,
        row.storefront_id,
        row.customer_id,
        row.sku_id,
        row.unit_minor,
        row.currency,
        tiers_of(row.tiers),
        row.ends_at,
        row.dearer,
        row.below_cost_by is not None,
        row.by,
        row.made_at,
    )


def application_view(row: ResellerApplication) -> ApplicationView:
    return ApplicationView(
        row.id,
        row.storefront_id,
        row.customer_id,
        row.telegram_id,
        row.legal,
        row.name,
        row.contact,
        row.sells,
        row.volume,
        row.state,
        row.version,
        row.revision,
        row.findings,
        row.sent_at,
        row.verdict,
        row.verdict_by,
        row.verdict_at,
        row.why,
        row.why_text,
        row.level_id,
    )


def minimum_view(row: MinimumPrice) -> MinimumView:
    return MinimumView(row.sku_id, row.unit_minor, row.currency)


def undercut_view(row: Undercut) -> UndercutView:
    return UndercutView(
        row.id,
        row.storefront_id,
        row.customer_id,
        row.sku_id,
        row.seen_where,
        row.asked_minor,
        row.minimum_minor,
        row.currency,
        row.by,
        row.at,
        row.closed_at,
    )
