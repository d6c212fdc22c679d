"""Credit at the desk: who asks, how good they are, limits, terms, freezing, and losses that two people book."""

from __future__ import annotations

from typing import Any

import pytest

from core import credit
from core.credit import AskState, LineState, Terms, Wanted
from core.database import Shop
from core.errors import Refusal
from core.storefronts import Storefront
from handlers.admin.credit import terms_typed
from handlers.admin.desk import Do, Go
from handlers.notices import SAYS, notice
from locales import Speech, languages
from tests.admin.direct import at_the_desk
from tests.handlers.telegram_rules import checked, visible
from tests.lending import SECOND, a_line, spend, work_credit
from tests.reselling import a_reseller
from tests.stage import Clock


async def asks(shop: Shop, customer_id: int, amount_minor: int, wanted: Wanted = Wanted.LINE, **more: int) -> int:
    asked = await shop.write(credit.ask_for, customer_id=customer_id, wanted=wanted, amount_minor=amount_minor, by="telegram:77", **more)
    return asked.id


async def test_what_is_asked_for_is_granted_or_refused_on_its_card(shop: Shop, storefront: Storefront) -> None:
    desk, reseller = await at_the_desk(shop, storefront), await a_reseller(shop, storefront)
    first = await asks(shop, reseller.id, 500_000)
    card = await desk.presses(Go(to="crask", id=first))
    assert "A limit of <b>¥5,000.00</b>" in card and "TRADE-1" in card and "Waits for a decision" in card
    assert "How much is granted" in await desk.presses(Go(to="ask", id=first, arg="cr.grant"))
    assert "Approved." in await desk.says("4000")
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.limit_minor == 400_000
    assert "decided already" in await desk.presses(Do(act="crwant", id=first))
    second = await asks(shop, reseller.id, 600_000, Wanted.ADVANCE, instalments=3, every_days=30)
    assert "paid back in 3 parts, every 30 days" in await desk.presses(Go(to="crasks")) + await desk.presses(Go(to="crask", id=second))
    assert "Refused." in await desk.answers("cr.no", second, "Too much at once.")
    third = await asks(shop, reseller.id, 5_000_000)
    assert "a second person" in await desk.presses(Do(act="crwant", id=third))
    assert "second person" in await desk.presses(Do(act="crwant", id=third))
    made = await shop.write(credit.approve_ask, ask_id=third, storefront_id=storefront.id, amount_minor=5_000_000, by=SECOND)
    assert made.state is AskState.APPROVED


async def test_a_line_is_looked_at_changed_frozen_and_written_off(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    desk, reseller = await at_the_desk(shop, storefront), await a_line(shop, storefront, limit_minor=100_000)
    await spend(shop, reseller, 10_000)
    assert "No. 1" in await desk.presses(Do(act="crbill", id=reseller.id))
    assert "nothing to pay" in await desk.presses(Do(act="crbill", id=reseller.id))
    await spend(shop, reseller, 50_000)
    clock.passes(days=50)
    await work_credit(shop)
    assert "Owed and limit" in await desk.presses(Go(to="crlate")) and "Owed and limit" in await desk.presses(Go(to="crlines"))
    shown = await desk.presses(Go(to="crone", id=reseller.id))
    assert "days late" in shown and "No. 1" in shown and "Interest: 12% a year" in shown
    assert "six numbers" in await desk.answers("cr.terms", reseller.id, "much")
    assert "Interest: 15% a year" in await desk.says("15% 30% 20 7 5 0")
    assert "Limit: <b>¥2,000.00</b>" in await desk.answers("cr.limit", reseller.id, "2000")
    line = await shop.read(credit.line_of, reseller.id)
    assert line is not None and line.terms == Terms(150_000, 300_000, 2_000, 7, 5, 0)
    if line.state is not LineState.FROZEN:
        await desk.presses(Do(act="crfreeze", id=reseller.id))
    assert "Frozen" in await desk.presses(Go(to="crone", id=reseller.id))
    assert "Frozen:" not in await desk.presses(Do(act="crthaw", id=reseller.id))
    assert "decided already" in await desk.presses(Do(act="croff", id=reseller.id))
    assert "a second one has to say so" in await desk.answers("cr.off", reseller.id, "They are gone.")
    assert "second person" in await desk.presses(Do(act="croff", id=reseller.id))
    assert "a second one has to say so" not in await desk.presses(Do(act="crspare", id=reseller.id))
    await desk.answers("cr.off", reseller.id, "Gone after all.")
    assert await shop.write(credit.write_off, customer_id=reseller.id, storefront_id=storefront.id, by=SECOND)
    assert "Written off" in await desk.presses(Go(to="crone", id=reseller.id))
    assert "Changed" in await desk.answers("cr.weights", 0, "10 20 30 40 0")
    assert "five whole numbers" in await desk.answers("cr.weights", 0, "1 2 3")
    assert "10 · 20 · 30 · 40 · 0" in await desk.presses(Go(to="credit"))


@pytest.mark.parametrize("typed", ["", "1 2 3", "12% 18% x 30 10 15", "300% 1% 0 30 10 15", "1% 2% 0 -1 10 15", "1% 2% 0 30 10 99999"])
def test_terms_that_cannot_be_read_are_refused_in_words(typed: str) -> None:
    with pytest.raises(Refusal):
        terms_typed(typed, "CNY")


@pytest.mark.parametrize("language", languages())
async def test_every_notice_about_credit_is_said_in_every_language(shop: Shop, storefront: Storefront, language: str) -> None:
    reseller = await a_reseller(shop, storefront)
    ask = await asks(shop, reseller.id, 500_000)
    facts: dict[str, Any] = {
        "ask": ask, "customer": reseller.id, "amount_minor": 12_345, "interest_minor": 45, "before_minor": 1, "currency": "CNY",
        "due": 20_700, "instalments": 5, "wanted": "line", "why": "No.", "by_hand": False, "invoice": 1,
    }  # fmt: skip
    named = [says for says in SAYS if says.startswith("credit-")]
    assert len(named) == 13
    for says in named:
        for more in ({"late": 3, "wanted": "advance", "by_hand": True}, {"late": -3}):
            text, keyboard = await notice({**facts, **more, "says": says}, Speech(language), shop=shop, storefront=storefront)
            checked(keyboard)
            assert "{" not in visible(str(text))
