"""The commands of `shop`, as a shopkeeper types them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from core import catalog, inventory, orders, pricing, storefronts
from core.database import KeyFile, Shop, WriterLock
from tests.command_line.conftest import Said, Shell
from tests.stage import person

Here = Callable[..., Said]

CATALOGUE = """
currency: CNY
categories:
  - slug: cards
    name: Cards
    products:
      - slug: steam
        name: Steam
        denominations:
          - {slug: steam-50, name: Steam 50, price: "48.80", codes: {generate: 3}}
"""


def rows(table: str, where: str = "1 = 1") -> int:
    with closing(sqlite3.connect("data/shop.db")) as database:
        return int(database.execute(f"SELECT COUNT(*) FROM {table} WHERE {where}").fetchone()[0])


def change(statement: str) -> None:
    with closing(sqlite3.connect("data/shop.db")) as database:
        database.execute("PRAGMA ignore_check_constraints=ON")
        assert database.execute(statement).rowcount > 0
        database.commit()


@pytest.fixture
def stocked(here: Here) -> Here:
    """A shop with three codes of one denomination."""
    Path("small.yaml").write_text(CATALOGUE, encoding="utf-8")
    assert here("seed", "small.yaml").status == 0
    return here


def test_migrate_makes_the_tables_and_says_so_only_once(here: Here) -> None:
    assert "Made the tables in sqlite:///data/shop.db" in here("migrate").out
    assert "is up to date" in here("migrate").out


def test_the_key_file_is_made_for_its_owner_alone_with_a_loud_notice(here: Here) -> None:
    Path("small.yaml").write_text(CATALOGUE, encoding="utf-8")

    said = here("seed", "small.yaml", SHOP_KEYS="safe/keys.json")

    assert "NEW KEY FILE" in said.err and "BACK IT UP NOW" in said.err
    assert str(Path("safe/keys.json").resolve()) in said.err
    assert stat.S_IMODE(Path("safe/keys.json").stat().st_mode) == 0o600
    assert "NEW KEY FILE" not in here("seed", "small.yaml", SHOP_KEYS="safe/keys.json").err


def test_a_lost_key_file_is_never_replaced_while_codes_depend_on_it(stocked: Here) -> None:
    Path("data/shop.keys").rename("data/backup.keys")

    for command in (("seed", "small.yaml"), ("audit",), ("rotate-keys",)):
        said = stocked(*command)
        assert said.status == 2
        assert "The key file data/shop.keys (SHOP_KEYS) is missing" in said.err
        assert "restore the file from its backup" in said.err
    assert not Path("data/shop.keys").exists()
    assert stocked("audit", SHOP_KEYS="data/backup.keys").status == 0


def test_the_key_file_of_another_shop_is_recognised(stocked: Here) -> None:
    KeyFile(Path("data/other.keys")).create()

    said = stocked("seed", "small.yaml", SHOP_KEYS="data/other.keys")

    assert said.status == 2
    assert "The key file data/other.keys (SHOP_KEYS) does not belong to the database" in said.err


def test_a_key_file_that_others_can_read_is_refused(stocked: Here) -> None:
    Path("data/shop.keys").chmod(0o644)

    said = stocked("audit")

    assert said.status == 2
    assert "can be read by others: run `chmod 600 data/shop.keys`" in said.err


def test_seeding_twice_leaves_the_same_counts(stocked: Here) -> None:
    before = [rows(table) for table in ("categories", "products", "skus", "prices", "codes", "batches", "actions")]

    said = stocked("seed", "small.yaml")

    assert said.status == 0
    assert "everything is in the shop already (3 codes known); nothing was changed" in said.out
    assert [rows(table) for table in ("categories", "products", "skus", "prices", "codes", "batches", "actions")] == before


def test_a_catalogue_with_a_mistake_changes_nothing(here: Here) -> None:
    Path("small.yaml").write_text(CATALOGUE.replace("price", "prize"), encoding="utf-8")

    said = here("seed", "small.yaml")

    assert said.status == 1
    assert "small.yaml, line 10: " in said.err
    assert not Path("data").exists()
    assert here("seed", "nowhere.yaml").err == "nowhere.yaml cannot be read: No such file or directory.\n"


def test_import_codes_counts_what_it_took_and_names_the_lines_it_did_not(stocked: Here) -> None:
    Path("one.txt").write_text("AAAA-1111\nBBBB-2222\n\nAAAA 1111\nCC\x01CC\n", encoding="utf-8")

    said = stocked("import-codes", "steam-50", "one.txt")

    assert said.status == 1, "a line was refused"
    assert "steam-50: 2 codes accepted and on sale." in said.out
    assert "Duplicate in the file: 1 (line 4)" in said.out
    assert "In the shop already: 0" in said.out
    assert "Refused, control characters: 1 (line 5)" in said.out
    assert "AAAA" not in said.out + said.err

    Path("two.csv").write_text("卡号,密码\nN1,P1\nN2,P2\nAAAA,1111\n", encoding="utf-8")
    said = stocked("import-codes", "steam-50", "two.csv")
    assert said.status == 0
    assert "2 codes accepted" in said.out
    assert "In the shop already: 1 (line 4)" in said.out
    assert rows("codes", "available IS NOT NULL") == 7
    assert rows("actions", "did = 'import-codes' AND \"by\" = 'command-line'") == 3, "the seeding brought the first"


def test_import_codes_says_when_the_last_step_was_interrupted(stocked: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of it is on sale and the rest will be: who is told “nothing was imported” would sell the codes elsewhere."""
    real = Shop.write

    async def write(shop: Shop, command: Any, *args: Any, **kwargs: Any) -> Any:
        if command is inventory.publish:
            await real(shop, command, *args, **kwargs, most=1)
            raise ConnectionError("away")
        return await real(shop, command, *args, **kwargs)

    monkeypatch.setattr(Shop, "write", write)
    Path("one.txt").write_text("LAST-0001\nLAST-0002\n", encoding="utf-8")
    said = stocked("import-codes", "steam-50", "one.txt")

    assert said.status == 0
    assert "2 codes accepted; the last step was interrupted, so they are being put on sale" in said.out


def test_import_codes_says_what_is_wrong_with_the_file_or_the_slug(stocked: Here) -> None:
    Path("list.txt").write_text("AAAA-1111\n", encoding="utf-8")
    Path("picture.txt").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))

    assert "There is no denomination “steam-99” in the shop" in stocked("import-codes", "steam-99", "list.txt").err
    assert "picture.txt cannot be imported: " in stocked("import-codes", "steam-50", "picture.txt").err
    said = stocked("import-codes", "steam-50", "nowhere.txt")
    assert (said.status, said.err) == (1, "nowhere.txt cannot be read: No such file or directory.\n")
    assert rows("codes") == 3


def test_a_clean_audit_prints_its_counts_and_a_broken_promise_ends_it_with_1(stocked: Here) -> None:
    said = stocked("audit")
    assert said.status == 0
    assert "Every promise holds." in said.out

    change("UPDATE codes SET available = NULL WHERE id = 1")

    said = stocked("audit")
    assert said.status == 1
    assert "✗" in said.out and "code 1" in said.out
    found = json.loads(stocked("audit", "--json").out)
    assert found["clean"] is False
    assert found["counts"]["codes"] == 3
    assert sum(found["violated"].values()) >= 1
    assert all(set(violation) == {"check", "about", "detail"} for violation in found["violations"])


def test_the_audit_makes_nothing_where_there_is_no_shop(here: Here) -> None:
    said = here("audit")

    assert said.status == 2
    assert said.err == "There is no shop in sqlite:///data/shop.db (SHOP_DATABASE) yet: `shop migrate` makes one.\n"
    assert not Path("data").exists()


def test_rotated_keys_open_what_the_old_ones_closed(stocked: Here) -> None:
    before = rows("batches", "wrapping_key_id = 'w1'")
    assert before == 1

    said = stocked("rotate-keys")

    assert said.status == 0
    assert "has a new wrapping key, w2" in said.out and "Wrapped 1 batches anew" in said.out
    assert rows("batches", "wrapping_key_id = 'w2'") == before
    assert stat.S_IMODE(Path("data/shop.keys").stat().st_mode) == 0o600
    assert json.loads(stocked("audit", "--json").out)["counts"]["codes opened"] >= 1
    assert "Wrapped 0 batches anew" in stocked("rotate-keys", "--rewrap").out


def test_another_currency_than_that_of_the_books_is_refused(stocked: Here) -> None:
    said = stocked("seed", "small.yaml", SHOP_CURRENCY="EUR")

    assert said.status == 2
    assert "SHOP_CURRENCY is EUR, and the books of this shop are kept in CNY" in said.err


def test_a_database_that_is_away_is_one_sentence_without_its_password(here: Here) -> None:
    said = here("migrate", SHOP_DATABASE="postgresql://shop:hunter2@127.0.0.1:9/shop")

    assert said.status == 2
    assert said.err.startswith("The database postgresql://shop:***@127.0.0.1:9/shop (SHOP_DATABASE) cannot be used: ")
    assert said.err.count("\n") == 1
    assert "hunter2" not in said.err


def test_a_file_that_is_no_database_is_one_sentence(here: Here) -> None:
    Path("data").mkdir()
    Path("data/shop.db").write_text("Dear diary, " * 100, encoding="utf-8")

    said = here("migrate")

    assert (said.status, said.err.count("\n")) == (2, 1)
    assert "file is not a database" in said.err


def test_who_wants_to_write_beside_a_writer_is_told_who_that_is(stocked: Here) -> None:
    lock = WriterLock(Path("data/shop.db"), "shop run")
    lock.take()
    try:
        for command in (("migrate",), ("seed", "small.yaml"), ("import-codes", "steam-50", "small.yaml"), ("rotate-keys",)):
            said = stocked(*command)
            assert said.status == 3
            assert said.err.startswith("`shop run` (process ") and said.err.count("\n") == 1
            assert "is writing to this SQLite database" in said.err and "SHOP_DATABASE" in said.err
        assert stocked("audit").status == 0
    finally:
        lock.release()
    assert stocked("migrate").status == 0


async def test_the_audit_is_safe_beside_a_running_writer(stocked: Here, shell: Shell) -> None:
    async with Shop.opened(shell.url(), KeyFile(shell.folder / "data/shop.keys").load(), holder="shop run") as shop:
        storefront = await shop.read(storefronts.first)
        assert storefront is not None
        buyer = await person(shop, storefront, money_minor=15_000)
        sku = await shop.read(catalog.sku_by_slug, "steam-50")
        assert sku is not None
        price = (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[sku.id]))[sku.id]

        async def keep_selling() -> None:
            for n in range(3):
                await shop.write(
                    orders.buy,
                    buyer_id=buyer.id,
                    storefront_id=storefront.id,
                    sku_id=sku.id,
                    price_id=price.id,
                    rules_version=sku.rules_version,
                    quantity=1,
                    once=f"sale-{n}",
                )
                await asyncio.sleep(0.5)

        selling = asyncio.create_task(keep_selling())
        said = await shell("audit", "--json")
        await selling

        assert said.status == 0, said.out
        assert json.loads(said.out)["counts"]["customers"] == 1
        refused = await shell("migrate")
        assert refused.status == 3
        assert refused.err.startswith("`shop run` (process ")
    said = await asyncio.to_thread(stocked, "audit", "--json")
    assert (said.status, json.loads(said.out)["counts"]["codes sold"]) == (0, 3)


async def test_run_without_a_token_is_one_sentence_before_anything_starts(shell: Shell) -> None:
    said = await shell("run")

    assert (said.status, said.out) == (2, "")
    assert said.err.startswith("SHOP_BOT_TOKEN is missing: ") and said.err.count("\n") == 1
    assert not (shell.folder / "data").exists()


def test_worker_and_run_ask_for_their_settings_alike(here: Here) -> None:
    for command in ("run", "worker"):
        assert here(command, SHOP_BOT_TOKEN="nonsense").err.startswith("SHOP_BOT_TOKEN does not look like")
        assert here(command, SHOP_ADMINS="me").status == 2
