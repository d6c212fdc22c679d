"""Whatever is pressed, typed or linked: an answer, never a crash, and nothing is bought that was not pressed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest
from aiogram.methods import AnswerCallbackQuery, EditMessageText, SendMessage
from aiogram.types import InlineKeyboardMarkup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dispatcher import make_dispatcher
from core import ledger, orders, supply
from core.database import Shop
from core.people import Customer
from core.storefronts import Storefront
from handlers import callbacks
from tests.handlers.recorder import Person, Recorder, breakages, recording_bot
from tests.handlers.test_callbacks import CLASSES, drawn
from tests.stage import Goods, give, person

MANY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
PAYLOADS = st.text("abcdefgpsku-_0123456789", max_size=64) | st.builds(
    lambda kind, rest: f"{kind}-{rest}",
    st.sampled_from(["sku", "p", "c", "own", "x"]),
    st.integers(0, 2**70).map(str) | st.text("abc-_019", max_size=60),
)


@dataclass
class Hand:
    """A person, what the bot says to them, and what they own."""

    person: Person
    said: Recorder
    customer: Customer
    shop: Shop
    goods: Goods
    broken: list[Exception]

    async def balance(self) -> int:
        return await self.shop.read(ledger.balance, self.customer.wallet_id)

    def answers(self) -> list[str]:
        """What was said, in words; fails when anything broke."""
        texts = [str(call.text) for call in self.said.taken() if isinstance(call, SendMessage | EditMessageText | AnswerCallbackQuery)]
        if self.broken:
            raise self.broken[0]
        return texts


@pytest.fixture
async def hand(shop: Shop, storefront: Storefront, goods: Goods) -> Hand:
    bot, said = recording_bot()
    customer = await person(shop, storefront, 88)
    await give(shop, customer, 1_000_000)
    dispatcher = make_dispatcher(shop, storefront, {})
    return Hand(Person(dispatcher, bot, 88), said, customer, shop, goods, breakages(dispatcher))


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@MANY
@given(
    data=st.text(min_size=1, max_size=64)
    | st.builds(lambda kind, rest: f"{kind.__prefix__}:{rest}", st.sampled_from(CLASSES), st.text(max_size=50))
)
async def test_any_text_in_a_button_is_answered_and_buys_nothing(hand: Hand, data: str) -> None:
    await hand.person.presses(data)

    assert [call for call in hand.said.calls if isinstance(call, AnswerCallbackQuery)]
    hand.answers()
    assert await hand.balance() == 1_000_000


@settings(MANY, max_examples=5)
@given(data=st.data())
async def test_every_kind_of_button_with_any_ids_is_answered(hand: Hand, data: st.DataObject) -> None:
    for kind in CLASSES:
        if kind is callbacks.TypeAmount or kind is callbacks.TypeQuantity:
            continue
        await hand.person.presses(data.draw(drawn(kind)).pack())
        assert hand.said.calls, kind
        hand.answers()
    assert await hand.balance() == 1_000_000


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@MANY
@given(payload=PAYLOADS)
async def test_any_link_greets_and_shows_the_shop(hand: Hand, payload: str) -> None:
    await hand.person.says(f"/start {payload}")

    assert len(hand.answers()) >= 1


@settings(MANY, max_examples=12)
@given(text=st.text(min_size=1, max_size=200))
async def test_any_text_is_answered(hand: Hand, text: str) -> None:
    await hand.person.says(text)

    hand.answers()


@pytest.mark.parametrize("quantity", [0, 3, 501, callbacks.LARGEST_QUANTITY])
async def test_a_forged_quantity_is_sold_by_the_rules_or_not_at_all(hand: Hand, quantity: int) -> None:
    forged = callbacks.Buy(
        sku=hand.goods.sku_id, price=hand.goods.price_id, rules=hand.goods.rules_version, quantity=quantity, screen=callbacks.new_screen()
    )
    await hand.person.presses(forged.pack())

    hand.answers()
    spent = 1_000_000 - await hand.balance()
    assert spent == (3 * 9500 if quantity == 3 else 0)
    assert (await hand.shop.read(supply.left, [hand.goods.sku_id]))[hand.goods.sku_id] == (37 if quantity == 3 else 40)


async def test_an_order_is_shown_to_its_buyer_only(hand: Hand, storefront: Storefront) -> None:
    other = await person(hand.shop, storefront, 99, money_minor=50_000)
    receipt = await hand.shop.write(orders.buy, buyer_id=other.id, quantity=1, once="theirs", **hand.goods.terms())
    detail = await hand.shop.read(orders.detail, order_id=receipt.order_id)
    assert detail is not None
    hand.said.taken()

    for kind in (callbacks.Order, callbacks.ShowCodes, callbacks.Again, callbacks.CancelOrder, callbacks.PayOrder):
        await hand.person.presses(kind(id=receipt.order_id).pack())
        said = " ".join(hand.answers())
        assert receipt.number not in said and "TEST-" not in said, kind
    for text in (receipt.number, f"#{receipt.number}", f"#{receipt.order_id}"):
        await hand.person.says(text)
        assert "Ordered on" not in " ".join(hand.answers())
    after = await hand.shop.read(orders.detail, order_id=receipt.order_id)
    assert after is not None and after.reveals == detail.reveals


async def test_two_presses_on_one_drawing_are_one_order_and_on_two_drawings_two(hand: Hand) -> None:
    def button(screen: str) -> str:
        return callbacks.Buy(
            sku=hand.goods.sku_id, price=hand.goods.price_id, rules=hand.goods.rules_version, quantity=1, screen=screen
        ).pack()

    first, second = callbacks.new_screen(), callbacks.new_screen()
    await asyncio.gather(*(hand.person.presses(button(first)) for _ in range(20)))
    said = hand.answers()
    assert len([text for text in said if "Paid" in text]) == 20
    assert await hand.balance() == 1_000_000 - 9500

    await hand.person.presses(button(second))
    assert await hand.balance() == 1_000_000 - 2 * 9500


async def test_one_drawing_with_another_quantity_is_refused(hand: Hand) -> None:
    screen = callbacks.new_screen()
    for quantity in (1, 2):
        forged = callbacks.Buy(
            sku=hand.goods.sku_id, price=hand.goods.price_id, rules=hand.goods.rules_version, quantity=quantity, screen=screen
        )
        await hand.person.presses(forged.pack())
    assert any("out of date" in text for text in hand.answers())
    assert await hand.balance() == 1_000_000 - 9500


async def test_a_button_outlives_the_process_that_drew_it(hand: Hand, storefront: Storefront) -> None:
    await hand.person.says(f"/start sku-{hand.goods.sku_id}")
    [screen] = [call for call in hand.said.taken() if isinstance(call, SendMessage)]
    assert isinstance(screen.reply_markup, InlineKeyboardMarkup)
    [pay] = [b.callback_data for row in screen.reply_markup.inline_keyboard for b in row if b.text.startswith("Pay")]
    assert pay is not None

    restarted = Person(make_dispatcher(hand.shop, storefront, {}), hand.person.bot, 88)
    await restarted.presses(pay)

    assert await hand.balance() == 1_000_000 - 9500
