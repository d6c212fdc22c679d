"""Work by agreement on the core: what a supplier earns by it, who may quote, which quote is accepted, and how it is disputed."""

from __future__ import annotations

from typing import Any

import pytest

from core import aftersale, fulfilment, orders, outbox, people, settlement, standing, supply
from core.catalog import Gone
from core.database import Shop
from core.fulfilment import JobState, JobView, Step
from core.orders import OrderState
from core.people import Customer
from core.settlement import TakeRate
from core.standing import SwitchOf
from core.storefronts import Storefront
from tests.core.ledgers import assert_books
from tests.core.props import assert_sound
from tests.core.supplies import Supplied, earned, purse, settled, supplied
from tests.stage import Clock, person

QUOTE = [Step("All of it", 10_000, 24)]


async def designer(shop: Shop, storefront: Storefront, **more: Any) -> Supplied:
    """A supplier who offers a service."""
    of = await supplied(shop, storefront, count=0, cost_minor=0, **more)
    await shop.write(fulfilment.set_kind, of.goods.product_id, kind_name="service", terms={}, by="test")
    await shop.write(supply.declare, offer_id=of.goods.offer_id, quantity=supply.AS_MANY_AS_ONE_LIKES)
    return of


async def asked(shop: Shop, of: Supplied, buyer: Customer) -> JobView:
    return await shop.write(fulfilment.ask_service, customer_id=buyer.id, sku_id=of.goods.sku_id, brief="A fox.")


async def accepted(shop: Shop, of: Supplied, buyer: Customer) -> JobView:
    job = await asked(shop, of, buyer)
    job = await shop.write(standing.quote_service, job_id=job.id, steps=QUOTE, by=of.by)
    return await shop.write(fulfilment.accept_quote, job_id=job.id, customer_id=buyer.id, quote_id=job.quote_id or 0)


async def delivered(shop: Shop, of: Supplied, buyer: Customer) -> fulfilment.MilestoneView:
    """The first step is paid for, and the supplier says that it is done."""
    job = await accepted(shop, of, buyer)
    [step] = job.milestones
    quote = await shop.read(orders.quote, storefront_id=job.storefront_id, sku_id=step.sku_id, customer_id=buyer.id, quantity=1)
    terms: dict[str, Any] = {"price_id": quote.price.id, "rules_version": quote.sku.rules_version}
    paid = await shop.write(
        orders.buy_for, storefront_id=job.storefront_id, buyer_id=buyer.id, sku_id=step.sku_id, quantity=1, once="step", **terms
    )
    await shop.write(fulfilment.hand_out)
    [task] = await shop.read(fulfilment.tasks_of, paid.order_id)
    return await shop.write(fulfilment.deliver_milestone, task_id=task.id, result="files.example/fox", by=of.by)


async def told(shop: Shop) -> list[str]:
    """What the outbox has to say."""
    leased = await shop.write(outbox.lease, worker="test", most=200, seconds=60)
    return [str(message.body.get("says")) for message in leased]


async def test_a_suppliers_accepted_step_earns_them_its_price_less_what_their_contract_gives_the_shop(
    shop: Shop, storefront: Storefront, clock: Clock
) -> None:
    since, of = clock(), await designer(shop, storefront, terms=TakeRate(1000))
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    assert await shop.read(purse, of.supplier_id) == (0, 0, 0), "the money waits"

    await shop.write(fulfilment.accept_milestone, milestone_id=step.id, customer_id=buyer.id)
    for one in await shop.read(fulfilment.steps_to_settle):
        await shop.write(orders.settle_step, one)
    assert await shop.read(purse, of.supplier_id) == (10_000, 0, 0)
    await settled(shop)

    assert await shop.read(purse, of.supplier_id) == (9000, 0, 0)
    assert await shop.read(earned, storefront, "commission") == 1000
    assert step.order_id is not None
    [share] = await shop.read(settlement.who_earns, step.order_id)
    assert share.supplier_minor == 9000
    await assert_books(shop, since, clock())
    await assert_sound(shop)


async def test_nobody_quotes_or_sells_work_that_the_rules_do_not_let_them_sell(shop: Shop, storefront: Storefront) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront)
    job = await asked(shop, of, buyer)
    quote: dict[str, Any] = {"job_id": job.id, "steps": QUOTE, "by": of.by}
    quoted = await shop.write(standing.quote_service, **quote)

    await shop.write(standing.suspend, supplier_id=of.supplier_id, reason="test", by="test")
    with pytest.raises(standing.Suspended):
        await shop.write(standing.quote_service, **quote)
    with pytest.raises(fulfilment.ServiceNotSold):
        await shop.write(fulfilment.quote_service, **quote)
    with pytest.raises(fulfilment.ServiceNotSold):
        await shop.write(fulfilment.accept_quote, job_id=job.id, customer_id=buyer.id, quote_id=quoted.quote_id or 0)
    await shop.write(standing.unsuspend, supplier_id=of.supplier_id, by="test")

    pressed = await shop.write(standing.switch_off, of=SwitchOf.PRODUCT, of_id=of.goods.product_id, reason="test", by="test")
    with pytest.raises(standing.SwitchedOff):
        await shop.write(standing.quote_service, **quote)
    await shop.write(standing.switch_on, switch_id=pressed.id, by="test")

    await shop.write(standing.ban_word, word="casino", reason="test", by="test")
    with pytest.raises(standing.BannedWords):
        await shop.write(standing.quote_service, job_id=job.id, steps=[Step("A casino", 100, 24)], by=of.by)
    kept = await shop.read(fulfilment.job, job_id=job.id)
    assert kept is not None and kept.quote_id == quoted.quote_id and len(kept.milestones) == 1, "what was refused has changed nothing"
    assert (await shop.write(standing.quote_service, **quote)).state is JobState.QUOTED
    await assert_sound(shop)


async def test_a_dispute_is_said_as_one_and_ends_the_waiting_only_with_its_case(shop: Shop, storefront: Storefront) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    assert step.order_id is not None
    wrong: dict[str, Any] = {"milestone_id": step.id, "customer_id": buyer.id}
    member = await person(shop, storefront, of.telegram_id)
    with pytest.raises(Gone):
        await shop.write(aftersale.dispute_step, milestone_id=step.id, customer_id=member.id, text="mine?")
    with pytest.raises(aftersale.NothingToSay):
        await shop.write(aftersale.dispute_step, **wrong, text="x" * 100_000)
    before = await shop.read(orders.detail, order_id=step.order_id)
    assert before is not None and before.card.state is OrderState.FULFILLING, "the money still waits"
    assert (await shop.read(fulfilment.delivered_to, **wrong)).accepted_at is None

    opened = await shop.write(aftersale.dispute_step, **wrong, text="That is no fox.")

    case = await shop.read(aftersale.case, case_id=opened.case_id, buyer_id=buyer.id)
    assert case is not None and case.card.order_id == step.order_id and opened.frozen_minor == 10_000
    after = await shop.read(orders.detail, order_id=step.order_id)
    assert after is not None and after.card.state is OrderState.ISSUED
    says = await told(shop)
    assert "service-disputed" in says and "service-accepted" not in says
    with pytest.raises(aftersale.CaseOpen):
        await shop.write(aftersale.dispute_step, **wrong, text="Again.")
    await assert_sound(shop)


async def test_only_the_quote_that_was_read_is_accepted(shop: Shop, storefront: Storefront) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront)
    job = await asked(shop, of, buyer)
    first = await shop.write(standing.quote_service, job_id=job.id, steps=QUOTE, by=of.by)
    dearer = await shop.write(standing.quote_service, job_id=job.id, steps=[Step("All of it", 90_000, 24)], by=of.by)
    assert first.quote_id != dearer.quote_id
    mine: dict[str, Any] = {"job_id": job.id, "customer_id": buyer.id}

    with pytest.raises(fulfilment.QuoteReplaced):
        await shop.write(fulfilment.accept_quote, **mine, quote_id=first.quote_id or 0)
    for _ in range(2):
        agreed = await shop.write(fulfilment.accept_quote, **mine, quote_id=dearer.quote_id or 0)
        assert agreed.state is JobState.AGREED


async def test_what_the_buyer_said_is_not_shown_when_the_task_is_over(shop: Shop, storefront: Storefront) -> None:
    of = await designer(shop, storefront)
    buyer = await person(shop, storefront, money_minor=10_000)
    step = await delivered(shop, of, buyer)
    assert step.task_id is not None
    assert (await shop.write(fulfilment.show_fields, task_id=step.task_id, by=of.by)).task.id == step.task_id

    await shop.write(fulfilment.accept_milestone, milestone_id=step.id, customer_id=buyer.id)
    for one in await shop.read(fulfilment.steps_to_settle):
        await shop.write(orders.settle_step, one)

    with pytest.raises(fulfilment.TaskOver):
        await shop.write(fulfilment.show_fields, task_id=step.task_id, by=of.by)


async def test_a_country_is_one_of_iso_3166_and_a_name_fits_its_button(shop: Shop, storefront: Storefront) -> None:
    buyer = await person(shop, storefront)
    for none in ("ZZ", "XX", "EU", "pl", ""):
        with pytest.raises(people.NoSuchCountry):
            await shop.write(people.choose_country, customer_id=buyer.id, country=none)
        assert fulfilment.sold_in({"countries": {"never": ["CN"]}}, none) is None, "they are asked where they are"
    await shop.write(people.choose_country, customer_id=buyer.id, country="PL")
    with pytest.raises(fulfilment.CountriesWrong):
        fulfilment.countries_of({"never": ["ZZ"]})
    assert len(people.COUNTRIES) == 249

    of = await designer(shop, storefront)
    fields: list[dict[str, Any]] = [{"name": "a" * 31, "title": "Account"}]
    with pytest.raises(fulfilment.FieldsWrong):
        await shop.write(fulfilment.set_kind, of.goods.product_id, kind_name="topup", terms={"fields": fields}, by="test")
