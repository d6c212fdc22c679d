"""The supply desk: every way on has a sign of its own in front of its words, in every language."""

from __future__ import annotations

import pytest

from core import people
from core.database import Shop
from core.storefronts import Storefront
from handlers.admin.desk import Go
from locales import languages
from tests.admin.direct import Chatter, at_the_desk


def labels(chatter: Chatter) -> list[str]:
    markup = next(markup for call in reversed(chatter.session.calls) if (markup := getattr(call, "reply_markup", None)) is not None)
    return [button.text for row in markup.inline_keyboard[:-1] for button in row]  # the last row leads back


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_every_button_of_the_supply_desk_has_an_icon(shop: Shop, storefront: Storefront, language: str) -> None:
    desk = await at_the_desk(shop, storefront)
    customer = await shop.read(people.find, storefront_id=storefront.id, telegram_id=7001)
    assert customer is not None
    await shop.write(people.choose_language, customer_id=customer.id, language=language)
    await desk.presses(Go(to="supply"))
    shown = labels(desk)
    assert len(shown) > 15
    assert [label for label in shown if label[0].isalnum() or label[1] not in " \ufe0f"] == []
