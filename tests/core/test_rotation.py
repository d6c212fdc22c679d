"""A rotated key file: everything that lies sealed is wrapped anew, and opens with the new key alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import LargeBinary, text
from sqlalchemy.orm import Session

from bot.commands.sealed import SEALED, wrap_all
from core import api, brands, fulfilment, integration, orders, people, settlement, supply
from core.database import Keyring, KeysMissing, Shop, read, write
from core.orders import RevealCause
from core.schema import metadata
from core.settlement import PayTo
from core.storefronts import Storefront
from tests.core.props import aside, assert_sound, scalar
from tests.core.supplies import Supplied, released, supplied
from tests.stage import Clock, chat_of, person, put_on_sale, stock

ACCOUNT = "Bank of China 6217 0000 1111 2222, Li Ming"
TOPUP = {"fields": [{"name": "account", "title": "Number", "pattern": "phone-cn"}], "promise_hours": 6}
# What is bytes and holds no data key: keyed marks and hashes, and codes under the key of their batch.
NO_KEY_OF_ITS_OWN = {
    ("blacklisted_people", "mark"),
    ("blacklisted_codes", "mark"),
    ("owner_links", "hash"),
    ("orders", "once_hash"),
    ("codes", "ciphertext"),
    ("codes", "fingerprint"),
    ("upload_links", "word_hash"),
    ("api_trials", "wanted"),
    ("outside_orders", "wanted"),
    ("reseller_bind_words", "hash"),
    ("reseller_code_links", "hash"),
}


async def paid_out(shop: Shop, storefront: Storefront, clock: Clock) -> tuple[Supplied, settlement.PayoutView]:
    """A supplier whose account is known, and a payout on its way to it."""
    of = await supplied(shop, storefront)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=4, once="four", **of.goods.terms())
    await released(shop, clock)
    ids: dict[str, Any] = {"supplier_id": of.supplier_id, "storefront_id": storefront.id, "by": of.by}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words=ACCOUNT, **ids)
    return of, await shop.write(settlement.ask_payout, currency="CNY", amount_minor=10_000, **ids)


async def account_of(shop: Shop, supplier_id: int) -> str:
    found = await shop.read(settlement.address, supplier_id)
    assert found is not None
    return found.words


async def test_after_a_rotation_everything_sealed_opens_with_the_new_key_alone(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    goods = await put_on_sale(shop, storefront, price_minor=1000, count=0)
    [code] = await stock(shop, goods.offer_id, goods.sku_id, 1)
    buyer = await person(shop, storefront, money_minor=100_000)
    bought = await shop.write(orders.buy, buyer_id=buyer.id, quantity=1, once="code", **goods.terms())
    topup = await put_on_sale(shop, storefront, name="Mobile", price_minor=1000, count=0)
    await shop.write(fulfilment.set_kind, topup.product_id, kind_name="topup", terms=TOPUP, by="test")
    await shop.write(supply.declare, offer_id=topup.offer_id, quantity=5)
    draft = await shop.write(fulfilment.begin_answers, customer_id=buyer.id, sku_id=topup.sku_id)
    mine: dict[str, Any] = {"answers_id": draft.id, "customer_id": buyer.id}
    await shop.write(fulfilment.answer, **mine, name="account", typed="13812345678")
    await shop.write(fulfilment.confirm_answers, **mine)
    quote = await shop.read(orders.quote, storefront_id=storefront.id, sku_id=topup.sku_id, customer_id=buyer.id, quantity=1)
    ordered = await shop.write(
        orders.buy_for,
        storefront_id=storefront.id,
        buyer_id=buyer.id,
        sku_id=topup.sku_id,
        quantity=1,
        price_id=quote.price.id,
        rules_version=quote.sku.rules_version,
        once="topup",
        answers_id=draft.id,
    )
    [task] = await shop.read(fulfilment.tasks_of, ordered.order_id)
    place: dict[str, Any] = {"task_id": task.id, "order_id": ordered.order_id, "seq": 1, "customer_id": buyer.id}
    member, _ = await shop.write(fulfilment.place_for, **place, chat_id=-100, days=1)
    await shop.write(fulfilment.link_made, membership_id=member.id, link="t.me/+abc")
    there = await shop.write(integration.draft_upstream, storefront=storefront, protocol="own-shop", name="There", by="test")
    await shop.write(integration.say_settings, upstream_id=there.id, settings={"secret": "s3cret"}, by="test")
    await shop.write(people.set_wholesale, storefront_id=storefront.id, customer_id=buyer.id, wholesale=True, by="test")
    own = await shop.write(brands.open_brand, owner_id=buyer.id, token="7:own-bot", bot_id=7, username="own", name="Own")
    program = await shop.write(
        api.make_key, customer_id=buyer.id, label="Shop", form=api.Form.OWN, scopes=set(api.Scope), sandbox=False, by="test"
    )
    of, payout = await paid_out(shop, storefront, clock)

    old = shop.tools.keys
    shop.tools.keys = old.rotated()
    wrapped = await wrap_all(shop)
    assert all(wrapped.values()) and set(wrapped) == {one.called for one in SEALED}, wrapped
    assert not any((await wrap_all(shop)).values()), "there is nothing left to wrap"
    shop.tools.keys = Keyring({"w2": shop.tools.keys.wrapping["w2"]}, old.fingerprinting, "w2", "f1")

    parcel = await shop.write(
        orders.reveal, order_id=bought.order_id, cause=RevealCause.SHOWN, to_telegram_id=await chat_of(shop, bought.order_id)
    )
    assert [secret.joined() for line in parcel.lines for secret in line.secrets] == [code]
    answers = await shop.read(fulfilment.answers, **mine)
    assert answers is not None and answers.said == {"account": "13812345678"}
    told = await shop.read(fulfilment.task, task.id)
    assert told is not None and told.fields == {"account": "13812345678"}
    [placed] = await shop.read(links, member.id)
    assert placed == "t.me/+abc"
    assert await shop.read(integration.settings_of, there.id) == {"secret": "s3cret"}
    assert await shop.read(brands.token_of, own.id) == "7:own-bot"
    assert await account_of(shop, of.supplier_id) == ACCOUNT
    kept = await shop.read(settlement.payout, payout.id)
    assert kept is not None and kept.words == ACCOUNT
    opened = await shop.read(api.find_key, program.key.name)
    assert opened is not None and opened.secrets == (program.secret,)

    shop.tools.keys = Keyring({"w1": old.wrapping["w1"]}, old.fingerprinting, "w1", "f1")
    with pytest.raises(KeysMissing, match="lacks the wrapping key w2"):
        await shop.read(settlement.payout, payout.id)
    shop.tools.keys = old.rotated()


@read
def links(session: Session, membership_id: int) -> list[str | None]:
    """The link of a place, as the bot reads it."""
    from core.fulfilment.memberships import _opened
    from core.fulfilment.tables import Membership

    return [_opened(session, session.get_one(Membership, membership_id))]


def test_whatever_table_holds_a_sealed_key_is_wrapped_anew_by_the_command() -> None:
    sealed = {
        table.name
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary) and (table.name, column.name) not in NO_KEY_OF_ITS_OWN
    }
    assert sealed == {one.table for one in SEALED}
    makers = {path.parts[-2] for path in Path("core").rglob("*.py") if re.search(r"\.new_data_key\(", path.read_text())}
    assert makers == {"api", "brands", "fulfilment", "integration", "inventory", "settlement"}


async def test_where_a_suppliers_money_goes_is_nowhere_in_clear(
    shop: Shop, storefront: Storefront, clock: Clock, database_url: str
) -> None:
    of, payout = await paid_out(shop, storefront, clock)

    assert (await account_of(shop, of.supplier_id), payout.words) == (ACCOUNT, ACCOUNT)
    where = await shop.read(settlement.address, of.supplier_id)
    assert where is not None and ACCOUNT not in repr(payout) and ACCOUNT not in repr(where)
    async with aside(database_url) as connection:
        for table in ("payouts", "payout_addresses", "actions", "outbox"):
            for row in (await connection.execute(text(f"SELECT * FROM {table}"))).all():
                stored = b"|".join(bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row)
                assert b"6217 0000" not in stored and b"Li Ming" not in stored, table
    if database_url.startswith("sqlite"):
        folder = Path(database_url.removeprefix("sqlite:///")).parent
        assert not any(b"6217 0000 1111" in file.read_bytes() for file in folder.iterdir() if file.is_file())


async def test_an_account_moved_to_another_payout_or_supplier_does_not_open(
    shop: Shop, storefront: Storefront, clock: Clock, database_url: str
) -> None:
    """Who can write to the database still cannot send one supplier's money to another's account."""
    of, payout = await paid_out(shop, storefront, clock)
    other = await supplied(shop, storefront, name="Other")
    ids: dict[str, Any] = {"supplier_id": other.supplier_id, "storefront_id": storefront.id, "by": other.by}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words="Mallory 1234", **ids)
    async with aside(database_url) as connection:
        await connection.execute(
            text(
                "UPDATE payouts SET (sealed, data_key, wrapping_key_id) = (SELECT sealed, data_key, wrapping_key_id FROM payout_addresses"
                f" WHERE supplier_id = {other.supplier_id}) WHERE id = {payout.id}"
            )
        )
        await connection.execute(
            text(f"UPDATE payout_addresses SET supplier_id = {of.supplier_id} WHERE supplier_id = {other.supplier_id}")
        )
        await connection.commit()
    with pytest.raises(InvalidTag):
        await shop.read(settlement.payout, payout.id)
    with pytest.raises(InvalidTag):
        await shop.read(settlement.address, of.supplier_id)


@write
def as_before(session: Session) -> None:
    """The rows as an earlier version wrote them."""
    for table in ("payouts", "payout_addresses"):
        session.execute(
            text(f"UPDATE {table} SET words = :words, sealed = NULL, data_key = NULL, wrapping_key_id = NULL"), {"words": ACCOUNT}
        )


async def test_rows_of_earlier_times_are_read_in_clear_until_a_job_has_sealed_them(
    shop: Shop, storefront: Storefront, clock: Clock, database_url: str
) -> None:
    of, payout = await paid_out(shop, storefront, clock)
    await shop.write(as_before)
    assert await account_of(shop, of.supplier_id) == ACCOUNT
    assert [one.words for one in await shop.read(settlement.open_payouts)] == [ACCOUNT]

    assert [await shop.write(settlement.seal_words, most=1) for _ in range(3)] == [1, 1, 0]

    for table in ("payouts", "payout_addresses"):
        assert await scalar(database_url, f"SELECT count(*) FROM {table} WHERE sealed IS NULL OR words <> ''") == 0
    assert await account_of(shop, of.supplier_id) == ACCOUNT
    kept = await shop.read(settlement.payout, payout.id)
    assert kept is not None and kept.words == ACCOUNT
    await assert_sound(shop)
