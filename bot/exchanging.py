"""Exchange rates in the background: those of the settings recorded, those of a source fetched now and then, what is missing told."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import structlog

from core import payments, rates
from core.database import Shop
from core.money import STARS
from core.ports import Declined, MarketRates, NotSure, PaymentMethod, RateSource
from core.rates import Rules
from core.storefronts import Storefront

log = structlog.get_logger()

LOOK_SECONDS = 15.0
_FIRST_RETRY_SECONDS = 30.0
_AHEAD = timedelta(days=1)  # how far a source's clock may be ahead of ours


@dataclass(frozen=True)
class Exchange:
    """Where rates come from: `fixed` ones of the settings (one whole unit in the shop's currency), and a source for all others."""

    fixed: Mapping[str, Decimal] = field(default_factory=dict)
    source: RateSource | None = None
    rules: Rules = field(default_factory=lambda: Rules(timedelta(hours=132), Fraction(1)))
    refresh_seconds: float = 3600


async def record_fixed(shop: Shop, storefront: Storefront, exchange: Exchange) -> None:
    """Record the rates of the settings, where they say something new."""
    quote = storefront.currency
    fixed = {base: rates.in_minor(Fraction(worth), base, quote) for base, worth in exchange.fixed.items()}
    for made in await shop.write(rates.fix, quote=quote, fixed=fixed):
        log.info("rate-recorded", base=made.base, quote=quote, source=made.source)


class Exchanging:
    """Keeps the rates of the currencies that ways to pay ask in; several processes may do it at once."""

    def __init__(
        self,
        shop: Shop,
        storefront: Storefront,
        exchange: Exchange,
        methods: Mapping[str, PaymentMethod],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._shop, self._storefront, self._exchange, self._clock = shop, storefront, exchange, clock
        self._ways: dict[str, list[str]] = {}
        for name, method in methods.items():
            currency = method.capabilities.currency
            # Stars have their rate from the chat, and their own words about it there.
            if currency not in (storefront.currency, STARS):
                self._ways.setdefault(currency, []).append(name)
        self._failures = 0  # in a row
        self._next = 0.0  # when the source is asked again
        self._urgent_next = 0.0  # the same while a rate is missing

    async def run(self) -> int:
        """Ask the source if it is time, record what it says, and tell the staff what is missing; returns how many rates were recorded."""
        done = 0
        if self._ways and self._exchange.source is not None and await self._is_time():
            done = await self._refresh(self._exchange.source)
        missing = await self._shop.write(
            payments.tell_of_missing_rates, storefront_id=self._storefront.id, quote=self._storefront.currency, ways=self._ways
        )
        if missing:
            log.warning("rates-missing", currencies=missing, quote=self._storefront.currency)
        return done

    async def _is_time(self) -> bool:
        now = self._clock()
        if now >= self._next:
            return True
        if now < self._urgent_next:
            return False
        # What was handed back, or is too old, is not left without a rate until the hour is over.
        stand = await self._shop.read(rates.pairs, quote=self._storefront.currency)
        holds = {pair.base for pair in stand if pair.holds}
        return not set(self._ways) <= holds and not any(pair.jump for pair in stand if pair.base not in holds)

    async def _refresh(self, source: RateSource) -> int:
        """Network first, then one command."""
        exchange, quote = self._exchange, self._storefront.currency
        try:
            said = await source.rates()
            market, as_of = self._read(said)
        except (NotSure, Declined) as trouble:
            self._failures += 1
            after = min(exchange.refresh_seconds, _FIRST_RETRY_SECONDS * 2 ** min(self._failures - 1, 12)) * random.uniform(0.75, 1.0)
            self._next = self._urgent_next = self._clock() + after
            log.warning(
                "rates-not-fetched", source=source.name, error=str(trouble), failures=self._failures, again_after_seconds=round(after)
            )
            return 0
        if self._failures:
            log.info("rates-fetched-again", source=source.name, failures=self._failures)
        self._failures = 0
        # Not in step with other shops, nor with other processes of this one.
        self._next = self._clock() + exchange.refresh_seconds * random.uniform(0.85, 1.15)
        self._urgent_next = self._clock() + min(exchange.refresh_seconds, 4 * LOOK_SECONDS)
        taken = await self._shop.write(
            payments.take_rates,
            storefront_id=self._storefront.id,
            quote=quote,
            source=source.name,
            market=market,
            as_of=as_of,
            rules=exchange.rules,
        )
        for made in taken.recorded:
            log.info("rate-recorded", base=made.base, quote=quote, source=source.name)
        for jump in taken.jumped:
            log.warning("rate-jumped", base=jump.base, quote=quote, source=source.name)
        return len(taken.recorded)

    def _read(self, said: MarketRates) -> tuple[dict[str, Fraction], datetime]:
        """The pairs we need, between minor units; what a source does not know is left out. Raises NotSure for a time that cannot be."""
        quote, now = self._storefront.currency, self._shop.tools.clock()
        if said.as_of > now + _AHEAD:
            raise NotSure("rates of the future")
        market = {}
        for base in self._ways:
            whole = said.between(base, quote) if base not in self._exchange.fixed else None
            if whole is not None:
                market[base] = rates.in_minor(whole, base, quote)
            elif base not in self._exchange.fixed:
                log.warning("rate-not-known-to-source", base=base, quote=quote)
        return market, min(said.as_of, now)
