"""Refunds that a provider first made and then could not: the books have them as made, and only a person can say what is right now."""

from __future__ import annotations

from core import orders, payments
from core.database import Shop
from core.orders import RefundState
from core.payments import Intent
from core.ports import Event
from core.storefronts import Storefront


async def tell_failed_refunds(shop: Shop, storefront: Storefront, provider: str, intent: Intent, event: Event) -> None:
    """Tell the staff, once each, of refunds that are booked as made and did not reach the payer after all.

    What was never booked as made needs nobody: it was asked for and declined, or only under way in the provider's console.
    """
    for one in event.failed_refunds:
        if one.once is None:
            known = await shop.read(payments.known_events, provider=provider, keys=[one.key])
            booked = one.key in known
        else:
            ours = [] if intent.order_id is None else await shop.read(orders.refunds_of, intent.order_id)
            booked = any(f"refund-{refund.id}" == one.once and refund.state is RefundState.REFUNDED for refund in ours)
        if not booked:
            continue
        body = {
            "says": "refund-failed",
            "provider": provider,
            "key": event.key,
            "customer": intent.customer_id,
            "amount_minor": one.amount_minor,
            "currency": event.currency,
            "ours": one.once is not None,
        }
        await shop.write(payments.tell_staff, storefront_id=storefront.id, body=body, once=f"refund-failed:{provider}:{one.key}")
