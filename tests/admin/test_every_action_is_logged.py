"""Who did what, how it was before, how it is after: for everything that the staff can change."""

from __future__ import annotations

import re
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import handlers.admin
from core import aftersale, brands, catalog, coupons, inventory, journal, orders, packages, people, promotion, purchasing, rates, supply
from core.aftersale import Reason
from core.database import Shop, utc_now
from core.inventory import Secret
from core.purchasing import CostTier
from core.storefronts import Storefront
from handlers.admin import imports_finished
from handlers.admin.desk import QUESTIONS, Do, Go
from handlers.admin.log import ACTIONS, FIELDS
from handlers.supply.stock import walk
from locales import Speech
from tests.admin import controlled
from tests.admin.direct import Chatter, at_the_desk
from tests.core.joining import applies
from tests.core.listings import paper
from tests.stage import Goods, person, put_on_sale, stock

# A question, what it is about, its answer, and what the log calls it. `None`: the question only looks.
ANSWERED: list[tuple[str, str, str, str | None]] = [
    ("category.add", "top", "Games", "add-category"),
    ("product.add", "category", "Roblox", "add-product"),
    ("sku.add", "product", "Roblox 100", "add-sku"),
    ("category.name", "category", "Cards", "change-category"),
    ("category.icon", "category", "🎮", "change-category"),
    ("product.name", "product", "Steam card", "change-product"),
    ("product.description", "product", "A card.", "change-product"),
    ("product.redeem", "product", "At the till.", "change-product"),
    ("product.icon", "product", "🎁", "change-product"),
    ("product.keywords", "product", "valve", "change-product"),
    ("product.return", "product", "48", "change-product"),
    ("sku.name", "sku", "Steam fifty", "change-sku"),
    ("sku.face", "sku", "50 USD", "change-sku"),
    ("sku.region", "sku", "tr", "change-sku"),
    ("sku.min", "sku", "2", "change-sku"),
    ("sku.max", "sku", "20", "change-sku"),
    ("sku.buyer", "sku", "7", "change-sku"),
    ("sku.low", "sku", "3", "change-sku"),
    ("sku.price", "sku", "99.50", "set-price"),
    ("sku.cost", "sku", "80", "set-cost"),
    ("say.category.name@ru", "category", "Карты", "change-category"),
    ("say.product.name@ru", "product", "Карта", "change-product"),
    ("say.product.description@ru", "product", "Карта для Steam", "change-product"),
    ("say.product.redeem@ru", "product", "В магазине", "change-product"),
    ("say.sku.name@ru", "sku", "Пятьдесят", "change-sku"),
    ("shop.name", "top", "Night Cards", "change-storefront"),
    ("shop.support", "top", "@night_support", "change-storefront"),
    ("shop.stars", "top", "0.09", "set-rate"),
    ("rate.set@USD", "top", "7.20", "set-rate"),
    ("order.find", "top", "1", None),
    ("person.find", "top", "nobody at all", None),
    ("code.find", "top", "nothing-like-it", None),
    ("cast.text", "top", "News", None),  # A draft that nobody is sent; beginning it is the action.
    ("sku.tiers", "sku", "10: 90, 50: 85.50", "set-price"),
    # So is a coupon before it is switched on.
    ("coupon.word", "top", "AUTUMN", None),
    ("coupon.value@WINTER", "top", "10%", None),
    ("coupon.for", "coupon", "-", None),
    ("coupon.cap", "coupon", "20", None),
    ("coupon.min", "coupon", "100", None),
    ("coupon.total", "coupon", "40", None),
    ("coupon.each", "coupon", "2", None),
    ("coupon.starts", "coupon", "2020-01-31", None),
    ("coupon.ends", "coupon", "2199-12-31 18:00", None),
    ("product.warranty", "product", "48", "change-product"),
    ("case.say", "case", "When did you redeem it?", "answer-case"),
    ("case.refuse", "second case", "It works.", "decide-case"),
    ("shop.review", "top", "12", "change-storefront"),
    ("shop.reversible", "top", "60", "change-storefront"),
    ("case.hours", "top", "12", "change-aftersale"),
    ("case.days", "top", "3", "change-aftersale"),
    ("case.warranty", "top", "100", "change-aftersale"),
    ("case.find", "top", "nobody's", None),
    ("exposure.set@CNY", "supplier", "50000 -", "set-exposure"),
    ("buy.who", "sku", "Card Wholesale Ltd.", "new-vendor"),
    ("buy.what@VENDOR", "sku", "1000 1=86.00 1000=85.00", "draft-purchase"),
    ("books.days", "top", "2026-11-21", None),
    ("revenue.interest", "top", "12.50 Card Trade Ltd.", "book-revenue"),
    ("revenue.advertising", "top", "1500 USD Banner, May", "book-revenue"),
    ("revenue.data", "top", "300 Report", "book-revenue"),
    ("app.back@1", "application", "Which regions?", "decide-application"),
    ("app.no@1", "second application", "Not here.", "decide-application"),
    ("deposit.set@new", "top", "500", "set-deposit"),
    ("sku.whole", "sku", "76.50", "set-price"),
    ("offer.new@WALK", "second sku", "85", "new-offer"),
    ("offer.stock", "offer", "500", "change-offer"),
    ("offer.min", "offer", "2", "change-offer"),
    ("offer.max", "offer", "20", "change-offer"),
    ("offer.land", "offer", "tr", "change-offer"),
    ("offer.warr", "offer", "72", "change-offer"),
    ("offer.from", "offer", "2020-01-31", "change-offer"),
    ("offer.until", "offer", "2199-12-31", "change-offer"),
    ("offer.prio", "offer", "10", "change-offer"),
    ("offer.excl", "offer", "2199-12-31", "change-offer"),
    ("offer.cost", "offer", "86", "set-cost"),
    ("quota.new", "supplier", "100000 CNY 15%", "new-quota"),
    ("quota.total", "quota", "2000", "change-quota"),
    ("commit.new@both.priority", "offer", "5 2199-01-31", "commit"),
    ("rule.margin", "top", "2.5", "set-price-rule"),
    ("rp.other", "repricing", "97.50", "set-price"),
    ("routing.weight@cost", "top", "77", "set-weights"),
    ("ownbot.stop", "brand", "Too many complaints", "stop-brand"),
    ("plan.new", "top", "Gold; 30.00; 30; bot, pictures, 4", "add-plan"),
]
# These end on a confirmation, and are told below.
CONFIRMED = {"person.credit", "person.debit", "person.reason", "refund.reason"}
# Told in tests/admin/test_supply_money.py.
CONFIRMED |= {f"{about}.{form}" for about in ("contract", "con-of") for form in ("fixed", "spread", "take", "commission")}
CONFIRMED |= {f"payout.{what}" for what in ("sent", "refuse", "least", "two")}
# Told in tests/admin/test_credit.py.
CONFIRMED |= {f"cr.{what}" for what in ("grant", "no", "limit", "terms", "off", "weights")}
# Told in tests/admin/test_streams.py.
CONFIRMED |= {"revenue.back"}
# Told where goods are on their way: tests/admin/test_routing.py.
CONFIRMED |= {"task.codes"}

PRESSED: list[tuple[Do, str, str]] = [
    (Do(act="hide", arg="category"), "category", "change-category"),
    (Do(act="show", arg="category"), "category", "change-category"),
    (Do(act="hide", arg="product"), "product", "change-product"),
    (Do(act="show", arg="product"), "product", "change-product"),
    (Do(act="hide", arg="sku"), "sku", "change-sku"),
    (Do(act="show", arg="sku"), "sku", "change-sku"),
    (Do(act="protect", arg="1"), "product", "change-product"),
    (Do(act="sealed", arg="1"), "product", "change-product"),
    (Do(act="hold-product", arg="1"), "product", "change-product"),
    (Do(act="down", arg="category"), "category", "move-category"),
    (Do(act="up", arg="category"), "category", "move-category"),
    (Do(act="down", arg="product"), "product", "move-product"),
    (Do(act="up", arg="sku"), "second sku", "move-sku"),
    (Do(act="under", arg="product.OTHER"), "product", "change-product"),
    (Do(act="under", arg="category.OTHER"), "category", "change-category"),
    (Do(act="resend"), "order", "resend"),
    (Do(act="void"), "code", "void-code"),
    (Do(act="cast"), "broadcast", "begin-broadcast"),
    (Do(act="cast-stop"), "broadcast", "stop-broadcast"),
    (Do(act="coupon-on"), "coupon", "switch-on-coupon"),
    (Do(act="coupon-off"), "coupon", "switch-off-coupon"),
    (Do(act="case-picture"), "case", "answer-case"),
    (Do(act="case-replace"), "case", "decide-case"),
    (Do(act="case-refuse", arg="works"), "third case", "decide-case"),
    (Do(act="rate-take"), "jump", "take-rate"),
    (Do(act="rate-back", arg="KWD"), "top", "hand-back-rate"),
    (Do(act="buy-order"), "purchase", "order-purchase"),
    (Do(act="buy-end"), "purchase", "end-purchase"),
    (Do(act="statement", arg="off"), "top", "change-storefront"),
    (Do(act="wholesale", arg="1"), "buyer", "set-wholesale"),
    (Do(act="of-pause"), "offer", "pause-offer"),
    (Do(act="of-resume"), "offer", "resume-offer"),
    (Do(act="of-class", arg="own_stock"), "offer", "change-offer"),
    (Do(act="of-paper", arg="PAPER"), "offer", "change-offer"),
    (Do(act="of-undo", arg="2"), "offer", "drop-cost"),
    (Do(act="of-quota", arg="QUOTA"), "offer", "change-offer"),
    (Do(act="of-drop"), "offer", "withdraw-offer"),
    (Do(act="qu-end"), "quota", "change-quota"),
    (Do(act="qu-open"), "quota", "change-quota"),
    (Do(act="rule-loss", arg="1"), "top", "set-price-rule"),
    (Do(act="rp-skip"), "second repricing", "ignore-price"),
    (Do(act="rp-take"), "repricing", "set-price"),
    (Do(act="plan-end"), "subscription", "end-subscription"),
    (Do(act="plan-off"), "plan", "withdraw-plan"),
]
# What is done to a draft is nobody's business yet; asking a provider and looking at a receipt change nothing by themselves.
SILENT = {"coupon-set", "coupon-drop", "pay-ask", "pay-receipt"}
# Told where transfers are, tests/journeys/test_paying.py, and where orders are held: tests/journeys/test_reversible.py.
ELSEWHERE = {"pay-yes", "pay-no"} | {"held-release", "held-refund"} | {"con-opt", "con-yes", "po-yes"}
# Told where suppliers stock their offers: tests/journeys/test_supplier_stocks.py.
ELSEWHERE |= {"batchvoid", "batchfile", "cost.yes", "cost.no"}
# And of suppliers: tests/journeys/test_joining.py.
ELSEWHERE |= {"of-ok", "paper-yes", "paper-no", "paper-show", "deposit-back", "deposit-off"}
# And where goods are on their way: tests/admin/test_routing.py.
ELSEWHERE |= {"task-ask", "task-fail", "call-off"}
# And where settlement is tried again: tests/admin/test_settling_by_hand.py.
ELSEWHERE |= {"settle-now"}
# And where contracts are: tests/admin/test_supply_money.py.
ELSEWHERE |= {"con-end"}
# And resellers' own bots: tests/admin/test_own_bots.py.
ELSEWHERE |= {"ownbot-on"}
# And commitments: tests/admin/test_commitments.py.
ELSEWHERE |= {"commit-off"}


@pytest.fixture
async def desk(shop: Shop, storefront: Storefront) -> Chatter:
    return await at_the_desk(shop, storefront)


@pytest.fixture
async def things(shop: Shop, goods: Goods) -> dict[str, int]:
    """One of everything that can be changed."""
    second = await put_on_sale(shop, goods.storefront, category_id=goods.category_id, product_id=goods.product_id, denomination="B")
    other = await put_on_sale(shop, goods.storefront, name="Other", denomination="Other 1")
    await put_on_sale(shop, goods.storefront, category_id=goods.category_id, name="Neighbour", denomination="N 1")
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="one", **goods.terms())
    codes = await stock(shop, goods.offer_id, goods.sku_id, 1)
    place = await shop.read(inventory.find_code, Secret(None, codes[0]))
    assert place is not None
    coupon = await shop.write(coupons.draft, storefront_id=goods.storefront.id, word="SPRING", currency="CNY", by="test", basis_points=1000)
    other_buyer = await person(shop, goods.storefront, money_minor=100_000)
    complained = await shop.write(orders.buy, buyer_id=other_buyer.id, quantity=3, once="complained", **goods.terms())
    cases = [
        await shop.write(aftersale.open_case, buyer_id=other_buyer.id, order_id=complained.order_id, code_id=code_id, reason=Reason.USED)
        for code_id, _ in await shop.read(inventory.codes_of, complained.order_id)
    ]
    facts: dict[str, Any] = {"quote": "CNY", "source": "ecb", "rules": rates.Rules(timedelta(hours=132), Fraction(1))}
    await shop.write(rates.take, market={"EUR": Fraction(8)}, as_of=utc_now(), **facts)
    jumped = await shop.write(rates.take, market={"EUR": Fraction(80)}, as_of=utc_now(), **facts)
    await shop.write(rates.set_rate, base="KWD", quote="CNY", rate=Fraction(234, 100), source=rates.STAFF)
    vendor = await shop.write(supply.new_vendor, name="Wholesaler", by="test")
    bought = await shop.write(
        purchasing.draft_purchase,
        supplier_id=vendor.id,
        sku_id=goods.sku_id,
        quantity=10,
        tiers=[CostTier(1, 8500)],
        currency="CNY",
        by="test",
    )
    supplier = await shop.write(supply.new_supplier, name="Bright", standing=supply.Standing.AUTHORISED, telegram_id=42)
    paper_id = await paper(shop, goods, supplier.id)
    await shop.write(catalog.change_sku, other.sku_id, face_value_minor=10_000, face_currency="CNY")
    facts = {"supplier_id": supplier.id, "cost_currency": "CNY", "source_class": supply.SourceClass.AUTHORISED, "by": "test"}
    offer = await shop.write(supply.new_offer, sku_id=other.sku_id, cost_minor=8500, **facts)
    later = utc_now() + timedelta(days=9)
    await shop.write(supply.set_cost, offer_id=offer.id, cost_minor=8600, cost_currency="CNY", from_at=later, by="test")
    quota = await shop.write(
        supply.new_quota, supplier_id=supplier.id, currency="CNY", face_total_minor=100_000, discount_bp=1500, by="test"
    )
    for dear in await neighbours(shop, goods):
        made = await shop.write(supply.new_offer, sku_id=dear, cost_minor=8500, **facts)
        await shop.write(supply.set_cost, offer_id=made.id, cost_minor=9500, cost_currency="CNY", by="test")
    plan = await shop.write(
        packages.add_plan, storefront_id=goods.storefront.id, name="Silver", price_minor=900, days=30, analytics=True, by="test"
    )
    subscriber = await person(shop, goods.storefront, money_minor=1000)
    subscribed = await shop.write(packages.subscribe, customer_id=subscriber.id, plan_id=plan.id)
    proposed = await shop.read(supply.repricings, storefront_id=goods.storefront.id)
    await shop.write(people.set_wholesale, storefront_id=goods.storefront.id, customer_id=subscriber.id, wholesale=True, by="test")
    own = await shop.write(brands.open_brand, owner_id=subscriber.id, token="7:own", bot_id=7, username="own_bot", name="Own")
    return {
        "brand": own.id,
        "plan": plan.id,
        "subscription": subscribed.id,
        "VENDOR": vendor.id,
        "purchase": bought.id,
        "supplier": supplier.id,
        "offer": offer.id,
        "quota": quota,
        "QUOTA": quota,
        "SUPPLIER": supplier.id,
        "PAPER": paper_id,
        "repricing": proposed[0].id,
        "second repricing": proposed[1].id,
        "jump": jumped.jumped[0].id,
        "case": cases[0].case_id,
        "second case": cases[1].case_id,
        "third case": cases[2].case_id,
        "top": 0,
        "category": goods.category_id,
        "product": goods.product_id,
        "sku": goods.sku_id,
        "second sku": second.sku_id,
        "OTHER": other.category_id,
        "order": receipt.order_id,
        "code": place.code_id,
        "buyer": buyer.id,
        "broadcast": await shop.write(promotion.draft, storefront_id=goods.storefront.id, text="News", by="test"),
        "coupon": coupon.id,
        "application": await applies(shop, await person(shop, goods.storefront)),
        "second application": await applies(shop, await person(shop, goods.storefront)),
    }


async def neighbours(shop: Shop, goods: Goods) -> list[int]:
    """Two more denominations, of which nothing else is told."""
    return [(await put_on_sale(shop, goods.storefront, name=name, denomination=name)).sku_id for name in ("Dear", "Dearer")]


def placed(arg: str, things: dict[str, int]) -> str:
    """What a button carries, with the ids of this shop."""
    arg = arg.replace("WALK", walk(things["SUPPLIER"], supply.SourceClass.AUTHORISED, things["PAPER"]))
    for name in ("OTHER", "SUPPLIER", "PAPER", "QUOTA", "VENDOR"):
        arg = arg.replace(name, str(things[name]))
    return arg


async def newest(shop: Shop) -> int:
    return (await shop.read(journal.latest, limit=1))[0].id


async def test_every_answer_that_changes_something_is_one_action_with_before_and_after(
    shop: Shop, desk: Chatter, things: dict[str, int]
) -> None:
    for key, about, text, did in ANSWERED:
        last = await newest(shop)
        name, _, language = key.partition("@")
        await desk.answers(name, things[about], text, placed(language, things))
        await desk.presses(Go(to="home"))
        made = [entry for entry in await shop.read(journal.latest, limit=5) if entry.id > last]
        assert [entry.did for entry in made] == ([] if did is None else [did]), key
        for entry in made:
            assert entry.by == "telegram:7001"
            assert entry.after, key
            assert entry.before != entry.after, key


async def test_every_press_that_changes_something_is_one_action(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    for button, about, did in PRESSED:
        last = await newest(shop)
        await desk.presses(Do(act=button.act, id=things[about], arg=placed(button.arg, things)))
        made = [entry for entry in await shop.read(journal.latest, limit=5) if entry.id > last]
        assert [(entry.did, entry.by) for entry in made] == [(did, "telegram:7001")], button


async def test_a_press_that_changes_nothing_is_no_action(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    last = await newest(shop)

    await desk.presses(Do(act="show", id=things["product"], arg="product"))
    await desk.presses(Do(act="up", id=things["sku"], arg="sku"))
    await desk.answers("sku.price", things["sku"], "95.00")

    assert await newest(shop) == last


async def test_a_refund_of_a_case_is_a_decision_and_a_refund(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    last = await newest(shop)

    await desk.presses(Do(act="case-refund", id=things["case"]))

    made = [(entry.did, entry.by) for entry in await shop.read(journal.latest, limit=9) if entry.id > last]
    assert made == [("decide-case", "telegram:7001"), ("refund", "telegram:7001")]


async def test_an_import_and_an_adjustment_are_actions(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    last = await newest(shop)

    await desk.presses(Go(to="import", id=things["sku"]))
    await desk.says("CODE-1\nCODE-2")
    await imports_finished()
    await desk.answers("person.credit", things["buyer"], "12.50")
    await desk.says("a gift")
    confirm = next(data for data in desk.keyboard() if data.startswith("adm!:adjust"))
    await desk.presses(confirm)

    made = [entry for entry in await shop.read(journal.latest, limit=9) if entry.id > last]
    assert [(entry.did, entry.by) for entry in made] == [("adjust-balance", "telegram:7001"), ("import-codes", "telegram:7001")]
    assert made[0].after == {"balance_minor": made[0].before["balance_minor"] + 1250, "reason": "a gift"}
    assert made[1].after["accepted"] == 2


def test_these_are_all_the_questions_and_all_the_buttons_that_change_something() -> None:
    acts = set()
    for path in Path(handlers.admin.__file__).parent.glob("*.py"):
        source = path.read_text(encoding="utf-8")
        acts |= set(re.findall(r'F\.act == "([^"]+)"', source))
        if path.name in ("catalogue.py", "margins.py", "offer_facts.py", "offers.py", "quotas.py"):
            [listed] = re.findall(r"\bacts(?:: [^=]+)? = \{([^}]*)\}", source)
            acts |= set(re.findall(r'"([a-z-]+)":', listed))

    # What is asked about upstreams is told in tests/admin/test_upstreams.py, about kinds in test_kinds.py, resellers in test_resellers.py.
    told = {question for question in QUESTIONS if not question.startswith(("upstream.", "kind.", "rs.", "rsapp."))}
    assert {key.partition("@")[0] for key, *_ in ANSWERED} | CONFIRMED | controlled.ASKED == told
    assert {button.act for button, *_ in PRESSED} | {"adjust", "refund", "case-refund"} | SILENT | ELSEWHERE | controlled.PRESSED == acts


async def test_the_log_is_read_in_sentences_page_by_page(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    for minor in range(100, 112):
        await desk.answers("sku.price", things["sku"], str(minor))

    first = await desk.presses(Go(to="log"))
    older = next(data for data in desk.keyboard() if data.startswith("adm:log:") and not data.startswith("adm:log:0"))
    second = await desk.presses(older)

    assert f"set the price of denomination {things['sku']}" in first
    assert "price: ¥110.00 → ¥111.00" in first and "¥110.00 → ¥111.00" not in second
    assert "price: ¥102.00 → ¥103.00" in second


async def test_the_log_says_values_as_people_read_them(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    for key, about, text in (
        ("sku.face", "sku", "50 USD"),
        ("sku.face", "sku", "60 USD"),
        ("sku.cost", "sku", "80"),
        ("shop.stars", "top", "0.09"),
        ("say.category.name", "category", "Карты"),
    ):
        await desk.answers(key, things[about], text, "ru" if key.startswith("say.") else "")
    await desk.presses(Do(act="protect", id=things["product"], arg="1"))
    await desk.presses(Do(act="hide", id=things["sku"], arg="sku"))
    await desk.answers("person.credit", things["buyer"], "12.50")
    await desk.says("a gift")
    await desk.presses(next(data for data in desk.keyboard() if data.startswith("adm!:adjust")))

    said = await desk.presses(Go(to="log"))

    for line in (
        "face value: – → $50.00",
        "face value: $50.00 → $60.00",
        "cost: ¥0.00 → ¥80.00",
        "rate: 1 XTR = 0.09 CNY",
        "names in other languages: – → русский: Карты",
        "forwarding is off: no → yes",
        f"hidden since: – → {Speech('en').day(utc_now())}",
        "balance: ¥905.00 → ¥917.50",
        "reason: a gift",
    ):
        assert line in said, line


async def test_a_face_value_is_told_with_its_currency_whichever_of_the_two_was_changed(
    shop: Shop, desk: Chatter, things: dict[str, int]
) -> None:
    for text in ("50 USD", "60 USD", "60 JPY", "-"):
        await desk.answers("sku.face", things["sku"], text)

    said = await desk.presses(Go(to="log"))

    for line in ("face value: – → $50.00", "face value: $50.00 → $60.00", "face value: $60.00 → JP¥60", "face value: JP¥60 → –"):
        assert line in said, line
    assert "currency of the face value" not in said


async def test_a_face_value_that_was_recorded_without_its_currency_is_told_as_it_was_counted(
    shop: Shop, desk: Chatter, things: dict[str, int]
) -> None:
    await shop.write(
        journal.record,
        by="telegram:7001",
        did="change-sku",
        about="sku",
        about_id=things["sku"],
        before={"face_value_minor": 5000},
        after={"face_value_minor": 6000},
    )

    assert "face value in minor units: 5000 → 6000" in await desk.presses(Go(to="log"))


async def test_everything_that_is_recorded_has_a_name(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    for key, about, text, _ in ANSWERED:
        name, _, language = key.partition("@")
        await desk.answers(name, things[about], text, placed(language, things))
    for button, about, _ in PRESSED:
        await desk.presses(Do(act=button.act, id=things[about], arg=placed(button.arg, things)))

    recorded = {name for entry in await shop.read(journal.latest, limit=200) for name in [*entry.before, *entry.after]}

    # A rate is told with its two currencies as one line.
    assert recorded - set(FIELDS) == {"base", "quote"}


def test_every_action_has_a_sentence(tmp_path: Path) -> None:
    written = set()
    for path in (Path(handlers.admin.__file__).parent.parent.parent / "core").rglob("*.py"):
        written |= set(re.findall(r'did="([a-z-]+)"', path.read_text(encoding="utf-8")))

    assert written <= set(ACTIONS)
    assert {f"{verb}-{what}" for verb in ("add", "change", "move") for what in ("category", "product", "sku")} <= set(ACTIONS)


async def test_what_was_said_about_a_product_and_a_rate_is_there(shop: Shop, desk: Chatter, things: dict[str, int]) -> None:
    for key, about, text, _ in ANSWERED[3:28]:
        name, _, language = key.partition("@")
        await desk.answers(name, things[about], text, language)

    product = await shop.read(catalog.product, things["product"])
    sku = await shop.read(catalog.sku, things["sku"])
    rate = await shop.read(rates.latest, base="XTR", quote="CNY")

    assert product is not None and sku is not None and rate is not None
    assert (product.name, product.icon, product.keywords) == ("Steam card", "🎁", "valve")
    assert product.texts == {"ru": {"name": "Карта", "description": "Карта для Steam", "redeem": "В магазине"}}
    assert (sku.face_value_minor, sku.face_currency, sku.redeem_region) == (5000, "USD", "TR")
    assert (sku.min_quantity, sku.max_quantity, sku.max_per_buyer, sku.low_stock_at) == (2, 20, 7, 3)
    assert rate.rate == 9
    found = await shop.read(catalog.search_products, "valve")
    assert [p.id for p in found] == [product.id]
    assert [p.id for p in await shop.read(catalog.search_products, "карта")] == [product.id]
    assert [p.id for p in await shop.read(catalog.search_products, "пятьдесят")] == [product.id]
