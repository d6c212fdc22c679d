"""A catalogue written in YAML comes into the shop once, however often it is seeded; mistakes in it are named with their line."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot import seed as seeding
from bot.seed import Catalogue, Generated, SeedWrong, read_catalogue, seed
from core import catalog, inventory, journal, pricing, rates, supply
from core.database import Base, Shop, read
from core.storefronts import Storefront
from locales import languages

DEMO = Path(__file__).parents[2] / "bot" / "demo" / "catalogue.yaml"

SMALL = """
currency: CNY
rates:
  - {one: XTR, is: "0.13"}
categories:
  - slug: cards
    name: {zh-hans: 游戏卡, en: Game cards}
    categories:
      - slug: steam-cards
        name: Steam
        products:
          - slug: steam
            name: {zh-hans: 蒸汽钱包, en: Steam Wallet}
            keywords: 平台
            redeem: {en: Redeem it., zh-hans: 去兑换。}
            denominations:
              - slug: steam-50
                name: ¥50
                face: 50 CNY
                region: NO
                price: 48.80
                cost: 46.5
                per_buyer: 2
                most: 2
                low_stock: 3
                codes:
                  - 007-0000
                  - {number: 0012, password: 1e5}
              - slug: steam-100
                name: ¥100
                price: "97"
                codes: {generate: 5}
"""


@read
def counts(session: Session) -> dict[str, int]:
    """How many rows every table has."""
    return {
        table.name: session.scalar(select(func.count()).select_from(table)) or 0
        for table in Base.metadata.sorted_tables
        if table.name != "actions"
    }


def small(**swapped: str) -> Catalogue:
    text = SMALL
    for old, new in swapped.items():
        assert old in text
        text = text.replace(old, new)
    return read_catalogue(text, "small.yaml")


async def test_a_catalogue_comes_in_as_it_is_written(shop: Shop, storefront: Storefront) -> None:
    done = await seed(shop, storefront, small(), name="small.yaml")

    assert done.facts() == {
        "categories": 2,
        "products": 1,
        "denominations": 2,
        "changed": 0,
        "prices": 2,
        "rates": 1,
        "codes": 7,
        "codes_known": 0,
        "codes_elsewhere": 0,
    }
    [top] = await shop.read(catalog.categories_under, None)
    [below] = await shop.read(catalog.categories_under, top.id)
    [product] = await shop.read(catalog.products_in, below.id)
    assert (top.name_in("en"), top.name_in("zh-hans"), below.name_in("ru")) == ("Game cards", "游戏卡", "Steam")
    assert (product.redeem_in("en"), product.redeem_in("zh-hans")) == ("Redeem it.", "去兑换。")
    fifty, _ = await shop.read(catalog.skus_of, [product.id])
    assert (fifty.face_value_minor, fifty.face_currency, fifty.redeem_region) == (5000, "CNY", "NO")
    assert (fifty.max_per_buyer, fifty.max_quantity, fifty.low_stock_at) == (2, 2, 3)
    price = (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[fifty.id]))[fifty.id]
    assert (price.retail_minor, price.currency) == (4880, "CNY")
    offer = await shop.read(supply.cost_of, fifty.id)
    assert offer is not None and offer.cost_minor == 4650
    quoted = await shop.read(rates.latest, base="XTR", quote="CNY")
    assert quoted is not None and quoted.rate == Fraction(13)
    assert [found.slug for found in await shop.read(catalog.search_products, "zqqb")] == ["steam"]


async def test_codes_stay_as_they_are_written_and_are_never_taken_for_numbers(shop: Shop, storefront: Storefront) -> None:
    await seed(shop, storefront, small(), name="small.yaml")

    prints = [
        shop.tools.keys.fingerprint(secret.joined()) for secret in (inventory.Secret(None, "007-0000"), inventory.Secret("0012", "1e5"))
    ]
    assert await shop.read(inventory.known, prints) == set(prints)


async def test_seeding_twice_changes_nothing_the_second_time(shop: Shop, storefront: Storefront) -> None:
    await seed(shop, storefront, small(), name="small.yaml")
    before = await shop.read(counts)
    actions = await shop.read(journal.latest)

    again = await seed(shop, storefront, small(), name="small.yaml")

    assert not again.anything
    assert again.codes_known == 7
    assert await shop.read(counts) == before
    assert await shop.read(journal.latest) == actions


async def test_a_changed_file_changes_what_differs_and_nothing_else(shop: Shop, storefront: Storefront) -> None:
    await seed(shop, storefront, small(), name="small.yaml")
    steam = {slug: await shop.read(catalog.sku_by_slug, slug) for slug in ("steam-50", "steam-100")}

    done = await seed(
        shop,
        storefront,
        small(**{"48.80": "47.00", "name: ¥100": "name: 百元", "generate: 5": "generate: 8", "per_buyer: 2": "per_buyer:"}),
        name="small.yaml",
    )

    assert done.facts() == {
        "categories": 0,
        "products": 0,
        "denominations": 0,
        "changed": 2,
        "prices": 1,
        "rates": 0,
        "codes": 3,
        "codes_known": 7,
        "codes_elsewhere": 0,
    }
    for slug, before in steam.items():
        after = await shop.read(catalog.sku_by_slug, slug)
        assert before is not None and after is not None
        # A buyer who saw the old limits or the old name is asked again.
        assert after.rules_version == before.rules_version + 1
    fifty = await shop.read(catalog.sku_by_slug, "steam-50")
    assert fifty is not None and fifty.max_per_buyer is None
    assert [found.slug for found in await shop.read(catalog.search_products, "百元")] == ["steam"]


async def test_codes_that_another_import_brings_in_meanwhile_are_counted_and_left_to_it(
    shop: Shop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch
) -> None:
    await seed(shop, storefront, small(**{"generate: 5": "generate: 1"}), name="small.yaml")
    hundred = await shop.read(catalog.sku_by_slug, "steam-100")
    assert hundred is not None
    offer = await shop.write(supply.own_offer, storefront=storefront, sku_id=hundred.id)
    ask = seeding._unknown

    async def is_overtaken(shop: Shop, secrets: Sequence[inventory.Secret]) -> list[inventory.Secret]:
        fresh = await ask(shop, secrets)
        if fresh:
            batch = await shop.write(inventory.open_batch, offer_id=offer.id, sku_id=hundred.id, source_name="quicker", by="test")
            sealed = list(inventory.seal(shop.tools.keys, batch, list(enumerate(fresh[:3], 1))))
            await shop.write(inventory.stage, batch_id=batch.id, offer_id=offer.id, sealed=sealed)
        return fresh

    monkeypatch.setattr(seeding, "_unknown", is_overtaken)
    done = await seed(shop, storefront, small(), name="small.yaml")

    assert (done.codes, done.codes_known, done.codes_elsewhere) == (1, 3, 3)
    recorded = (await shop.read(journal.latest))[0]
    assert (recorded.did, recorded.after["codes_elsewhere"]) == ("seed", 3)


async def test_books_in_another_currency_refuse_the_file(shop: Shop, storefront: Storefront) -> None:
    with pytest.raises(SeedWrong, match=r"prices in USD, and the books of this shop are kept in CNY"):
        await seed(shop, storefront, small(**{"currency: CNY": "currency: USD"}), name="small.yaml")

    assert await shop.read(catalog.categories_under, None) == []


@pytest.mark.parametrize(
    ("old", "new", "at", "says"),
    [
        ("price: 48.80", "price: cheap", "price: cheap", "price: must be an amount in CNY, such as 95.00"),
        ("price: 48.80", "price: 0", "price: 0", "price: must be above 0"),
        ("price: 48.80", "price: 48.805", "price: 48.805", "price: must be an amount in CNY"),
        ("                price: 48.80\n", "", "- slug: steam-50", "“price” is missing"),
        ("price: 48.80", "prize: 48.80", "prize: 48.80", "“prize” is not known here"),
        ("slug: steam-100", "slug: steam-50", "- slug: steam-50\n                name: ¥100", "the denomination “steam-50” is there twice"),
        ("slug: steam-50", "slug: Steam 50", "- slug: Steam 50", "slug: must be 1 to 64 small letters, digits and hyphens"),
        ("per_buyer: 2", "per_buyer: two", "per_buyer: two", "per_buyer: must be a whole number"),
        ("most: 2", "least: 5\n                most: 2", "- slug: steam-50", "most must not be below least"),
        ("most: 2", "most: 10001", "most: 10001", "most: input should be less than or equal to 10000"),
        ("{zh-hans: 游戏卡, en: Game cards}", "{zh: 游戏卡}", "name: {zh:", "name: is written in “zh”, and the shop speaks"),
        ("face: 50 CNY", "face: fifty", "- slug: steam-50", "face must be an amount and its currency"),
        ("region: NO", "region: Norway", "- slug: steam-50", "region must be a country's two capital letters"),
        ("codes: {generate: 5}", "codes: {make: 5}", "codes: {make", "“make” is not known here"),
        ("password: 1e5", "passwort: secret-1e5", "passwort: secret", "“passwort” is not known here"),
        ("- 007-0000", '- "secret-\\u200b"', '- "secret', "codes: is empty or holds characters that cannot be seen"),
        ('is: "0.13"', "is: 0", "- {one: XTR", "must be a worth above 0"),
        ("keywords: 平台", "keywords: 平台\n            keywords: 二", "keywords: 二", "“keywords” is there twice"),
        ("    name: Steam\n", "    name: Steam\n\t", "\t", "this is not YAML: "),
    ],
)
def test_a_mistake_is_a_sentence_with_its_line(old: str, new: str, at: str, says: str) -> None:
    text = SMALL.replace(old, new)
    line = text[: text.index(at)].count("\n") + 1

    with pytest.raises(SeedWrong) as refused:
        read_catalogue(text, "small.yaml")

    said = str(refused.value)
    assert any(one.startswith(f"small.yaml, line {line}: ") and says in one for one in said.splitlines()), said
    assert "secret" not in said


def test_an_empty_file_is_no_catalogue() -> None:
    for text in ("", "- a\n- b\n", "just words"):
        with pytest.raises(SeedWrong, match=r"^empty.yaml"):
            read_catalogue(text, "empty.yaml")


def test_the_demos_catalogue_is_complete_in_every_language() -> None:
    found = read_catalogue(DEMO.read_text(encoding="utf-8"), DEMO.name)

    for _, thing in found.everything():
        for what in ("name", "description", "redeem"):
            texts = getattr(thing, what, None)
            if texts is not None and set(texts) != {""}:
                assert set(texts) == set(languages()), (thing.slug, what)


def test_the_demos_catalogue_shows_what_a_shelf_can_hold() -> None:
    found = read_catalogue(DEMO.read_text(encoding="utf-8"), DEMO.name)
    things = [thing for _, thing in found.everything()]
    skus = [sku for thing in things if hasattr(thing, "denominations") for sku in thing.denominations]

    assert not any(category.categories for category in found.categories), "one level, so that a card is few presses away"
    assert [sku.slug for sku in skus if not sku.codes], "something is sold out"
    assert [sku.slug for sku in skus if sku.per_buyer], "something is limited"
    assert [sku.slug for sku in skus if isinstance(sku.codes, Generated) and sku.codes.with_password], "some have number and password"
    assert [thing.slug for thing in things if getattr(thing, "protect_content", False)], "something is protected"
    for sku in skus:
        assert sku.cost is not None and float(sku.cost) < float(sku.price), sku.slug
