"""The demo's people: whoever has a phone in its sandbox, as the shop knows them."""

from __future__ import annotations

from core import people
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from sandbox import DEFAULT_PHONES, PhoneSpec

PHONES = {phone.id: phone for phone in DEFAULT_PHONES}


def telegram_id(phone_id: str) -> int:
    """The number of the person who has this phone."""
    found = PHONES[phone_id].user_id
    assert found is not None, "the demo's people have ids of their own"
    return found


async def meet(shop: Shop, storefront: Storefront, phone: PhoneSpec) -> Customer:
    """Somebody with a phone, as a storefront knows them."""
    return await shop.write(
        people.meet,
        storefront_id=storefront.id,
        telegram_id=telegram_id(phone.id),
        name=" ".join(filter(None, (phone.first_name, phone.last_name))),
        username=phone.username,
        telegram_language=phone.language_code,
        currency=storefront.currency,
    )
