"""Resellers at the desk: levels, price lists, agreements, minimums and notes, from the staff's side; and what may be typed."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core import catalog, people, pricing, resellers
from core.database import Shop
from core.errors import Refusal
from core.resellers import How, Scope
from handlers.admin.desk import Do, Go
from handlers.admin.reseller_terms import agreement_typed, level_typed, rule_typed
from handlers.notices import notice
from locales import Speech, languages
from tests.admin.direct import at_the_desk
from tests.handlers.telegram_rules import checked, visible
from tests.reselling import a_reseller, work_in
from tests.stage import Goods


async def slug_of(shop: Shop, goods: Goods) -> str:
    sku = await shop.read(catalog.sku, goods.sku_id)
    assert sku is not None
    return sku.slug


async def test_levels_price_lists_and_agreements_are_made_in_sentences(shop: Shop, goods: Goods) -> None:
    desk = await at_the_desk(shop, goods.storefront)
    slug, here = await slug_of(shop, goods), goods.storefront
    buyer = await a_reseller(shop, here)
    assert "no level yet" in await desk.presses(Go(to="rslevels"))
    assert "is not a level" in await desk.answers("rs.level", 0, "Gold")
    assert "<b>Gold</b>" in await desk.says("Gold; 2; 5000")
    (gold,) = await shop.read(resellers.levels, storefront_id=here.id)
    assert (gold.rank, gold.from_turnover_minor) == (2, 500_000)
    assert "a level of rank 2 already" in await desk.answers("rs.level", 0, "Other; 2; -")
    assert "needs a higher turnover" in await desk.says("Other; 3; 10")

    assert "is not a line of a price list" in await desk.answers("rs.rule", gold.id, "cheaper please")
    assert "Nothing was found" in await desk.says("nonsense -5%")
    assert "retail −10%" in await desk.says("all -10%")
    assert "88.00 each" in await desk.answers("rs.rule", gold.id, f"{slug} from 10 88.00")
    await shop.write(resellers.set_rule, level_id=gold.id, storefront_id=here.id, scope=Scope.PRODUCT, scope_id=goods.product_id,
                     from_quantity=1, how=How.OVER_WHOLESALE, value=0, by="telegram:1")  # fmt: skip
    assert "wholesale +0%" in await desk.presses(Go(to="rslevel", id=gold.id))
    await work_in(shop, here)
    assert "all pay ¥95.00" in await desk.presses(Go(to="rsprices", id=gold.id))

    assert "At which level" in await desk.presses(Go(to="rsput", id=buyer.id))
    assert "Level: Gold" in await desk.presses(Do(act="rsput", id=buyer.id, arg=str(gold.id)))
    assert "Kept there" in await desk.presses(Do(act="rspin", id=buyer.id, arg="1"))
    assert "no such level" in await desk.presses(Do(act="rsput", id=buyer.id, arg="4711"))

    assert "is more than the" in await desk.answers("rs.agree", buyer.id, f"{slug} 99")
    assert "dearer than retail: meant so" in await desk.says(f"{slug} 99 !")
    assert "<b>¥87.00</b>" in await desk.answers("rs.agree", buyer.id, f"{slug} 87 100=85 until 2199-12-31")
    (agreed,) = await shop.read(resellers.contracts_of, customer_id=buyer.id)
    assert "Agreed prices" not in await desk.presses(Do(act="rsagreed", id=agreed.id))
    assert "no reseller" in await desk.presses(Do(act="rsagreed", id=agreed.id))

    assert "93.00" in await desk.answers("rs.min", 0, f"{slug} 93")
    assert "is not below the minimum" in await desk.answers("rs.cut", buyer.id, f"{slug} 93 cards.example")
    await desk.says(f"{slug} 91.50 cards.example")
    assert "cards.example" in await desk.presses(Go(to="rscuts"))
    assert "Nothing is noted" in await desk.presses(Do(act="rscut", id=1))
    assert "There are none yet" in await desk.answers("rs.min", 0, f"{slug} -")

    assert "no reseller any more?" in await desk.presses(Go(to="rsend", id=buyer.id))
    await desk.presses(Do(act="rsend", id=buyer.id))
    assert not (await shop.read(people.by_id, buyer.id)).wholesale
    await desk.presses(Go(to="rsclose", id=gold.id))
    assert "no level yet" in await desk.presses(Do(act="rsclose", id=gold.id))
    said = await desk.presses(Go(to="log"))
    assert "closed level" in said


async def test_every_notice_about_resellers_is_said_in_every_language(shop: Shop, goods: Goods) -> None:
    here = goods.storefront
    buyer = await a_reseller(shop, here)
    agreed = await shop.write(
        resellers.set_contract, storefront_id=here.id, customer_id=buyer.id, sku_id=goods.sku_id, unit_minor=9000, by="telegram:1"
    )
    await shop.write(resellers.set_minimum, storefront_id=here.id, sku_id=goods.sku_id, unit_minor=9400, by="telegram:1")
    facts: dict[str, Any] = {"storefront_id": here.id, "customer_id": buyer.id, "sku_id": goods.sku_id, "asked_minor": 1}
    seen = await shop.write(resellers.note_undercut, **facts, seen_where="<b>x</b> & y", by="telegram:1")
    other = await shop.write(
        people.meet, storefront_id=here.id, telegram_id=9, name="N", username=None, telegram_language=None, currency="CNY"
    )
    number = await shop.write(resellers.begin, customer_id=other.id)
    moved = {"says": "reseller-moved", "customer": buyer.id, "turnover_minor": 5, "currency": "CNY"}
    bodies: list[dict[str, Any]] = [
        *(
            {"says": "reseller-application", "application": n, "event": e}
            for n in (number, 99)
            for e in ("approved", "sent_back", "refused")
        ),
        {"says": "reseller-withdrawn", "application": number},
        *(moved | {"level": level} for level in (None, "<Gold>")),
        *({"says": "level-changed", "level": level, "up": up} for level, up in (("<Gold>", True), ("<Gold>", False), (None, False))),
        *({"says": "contract-price", "contract": n, "event": e} for n, e in ((agreed.id, "set"), (agreed.id, "ended"), (99, "set"))),
        *({"says": "undercut", "undercut": n} for n in (seen.id, 99)),
    ]
    for language in languages():
        for body in bodies:
            text, keyboard = await notice(body, Speech(language), shop=shop, storefront=here)
            assert visible(text)
            checked(keyboard)
    assert await shop.read(pricing.of_parties, storefront_id=here.id) != []


@given(
    st.text(max_size=60)
    | st.from_regex(r"[a-z-]{1,9} (from \d{1,6} )?(cost|wholesale)?[+-]?\d{0,4}(\.\d\d)?%?( \d+=\d+)?!?", fullmatch=True)
)
def test_whatever_is_typed_is_understood_or_refused_in_a_sentence(text: str) -> None:
    with contextlib.suppress(Refusal):
        rule = rule_typed(text, "CNY")
        assert rule.from_quantity >= 1 and rule.value >= 0 and (rule.how is not How.FIXED or rule.value > 0)
        assert rule.how is not How.OFF_RETAIL or rule.value < 10_000
    with contextlib.suppress(Refusal):
        agreed = agreement_typed(text, "CNY")
        assert agreed.unit_minor > 0 and all(tier.from_quantity >= 2 and tier.unit_minor > 0 for tier in agreed.tiers)
    with contextlib.suppress(Refusal):
        name, rank, turnover = level_typed(text, "CNY")
        assert name and 1 <= rank <= 99 and (turnover is None or turnover >= 0)
