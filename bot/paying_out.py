"""Payouts by a provider: taken one by one, asked for under our number, and what was not answered is looked for before it is asked again."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from core import settlement
from core.database import Shop
from core.ports import Declined, NotSure, PaidOut, PayoutAsk, PayoutMethod
from core.settlement import PayoutView

log = structlog.get_logger()

AT_ONCE = 20
SURE_AFTER = 5  # tries, which is more than ten minutes: then what is not there was never sent


async def pay_out(shop: Shop, methods: Mapping[str, PayoutMethod]) -> int:
    """Work off the payouts that are due now; returns how many were asked about. May run in several processes at once."""
    done = 0
    while done < AT_ONCE and methods:
        due = await shop.write(settlement.take_payout)
        if due is None:
            break
        await _one(shop, methods.get(due.to.value), due)
        done += 1
    return done


async def _one(shop: Shop, method: PayoutMethod | None, due: PayoutView) -> None:
    if method is None or due.pay_minor is None or due.pay_currency != method.currency:
        await shop.write(settlement.payout_not_asked, payout_id=due.id, tries=due.tries, why=settlement.NO_WAY)
        return
    ask = PayoutAsk(due.number, due.words, due.pay_minor, due.pay_currency)
    try:
        sent = await _sent(method, ask, tries=due.tries)
    except Declined as refused:
        log.warning("payout-declined", payout=due.id, why=str(refused))
        await shop.write(settlement.payout_declined, payout_id=due.id, tries=due.tries, why=str(refused))
    except NotSure as unsure:
        log.warning("payout-unknown", payout=due.id, why=str(unsure))
        await shop.write(settlement.payout_unknown, payout_id=due.id, tries=due.tries, why=str(unsure))
    else:
        await shop.write(settlement.payout_done, payout_id=due.id, reference=sent.ref)


async def _sent(method: PayoutMethod, ask: PayoutAsk, *, tries: int) -> PaidOut:
    """What was sent under this number. It is asked for under no other, so that asking twice pays once."""
    if tries:
        known = await method.find(ask.number)
        if known is not None:
            return known
        try:
            return await method.send(ask)
        except Declined as refused:
            # A no to a later try says nothing about the earlier one, unless that is still not there.
            known = await method.find(ask.number)
            if known is not None:
                return known
            if tries < SURE_AFTER:
                raise NotSure(f"{settlement.EARLIER_TRY}{refused}") from None
            raise
    return await method.send(ask)
