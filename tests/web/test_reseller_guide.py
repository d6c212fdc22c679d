"""The examples of docs/reseller-api.md are run against the real doors."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from bot.serving import Serving
from core import api, inventory, orders
from core.database import Shop
from core.storefronts import Storefront
from tests.programs import key_for, reseller
from tests.stage import Goods
from web.api import ApiDoor, OwnMemory
from web.app import make_app

GUIDE = (Path(__file__).parents[2] / "docs" / "reseller-api.md").read_text(encoding="utf-8")
UPSTREAMS = (Path(__file__).parents[2] / "docs" / "upstreams.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None, language
    return found[1]


async def run(*command: str, **said: str) -> str:
    """What a program prints; it has to end well."""
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **said}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_examples_work_as_they_stand(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    owner = await reseller(shop, storefront)
    made = await key_for(shop, owner)
    serving = Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0))), "127.0.0.1", 0)
    await serving.open()
    said = {"SHOP_URL": f"http://127.0.0.1:{serving.port}", "SHOP_KEY": made.key.name, "SHOP_SECRET": made.secret}
    try:
        printed = await run(sys.executable, "-c", example("python"), **said)
        [sold] = await shop.read(orders.history, buyer_id=owner.id)
        [(_, secret)] = await shop.read(inventory.opened, sold.order_id)
        assert printed.splitlines() == ["balance 10000.00", f"order {sold.number} done", f"code {secret.card_pwd}"]
        # What the shell script cannot be run by is missing only where there is no curl or openssl.
        if shutil.which("curl") and shutil.which("openssl"):
            assert '"balance":"9905.00"' in await run("sh", "-c", example("sh"), **said)
    finally:
        await serving.close()


def test_the_php_example_signs_the_worked_example_line_by_line() -> None:
    php = example("php")
    order = re.search(r"implode\(\"\\n\", \[(.*?)\]\)", php)
    assert order is not None
    facts = {
        "$stamp": "1700000000",
        "$nonce": "0123456789abcdef0123456789abcdef",
        "$method": "POST",
        "$path": "/api/v1/orders",
        "hash('sha256', $body)": "f1d43b7cd89fb40356c4b586feaf61dd2c5eea6a4b312777b6a6b5a995070efd",
    }
    parts = [part.strip() for part in re.split(r", (?![^(]*\))", order[1])]
    assert parts == list(facts) and "hash_hmac('sha256', $text, $secret)" in php
    body = '{"number":"T00000001","item":"steam-50","quantity":2,"max_cost":"18.00","currency":"CNY","partial":true}'
    stamp, nonce, method, path, _ = facts.values()
    signed = api.sign("c0ffee", stamp, nonce, method, path, body.encode())
    assert signed in GUIDE and signed in UPSTREAMS and "\n".join(facts.values()) in UPSTREAMS


def test_the_tables_of_the_documents_are_those_of_the_code() -> None:
    rows = set(re.findall(r"^\| (\d{4}) \| (\w+)[^|]*\| (\d+) \| (yes|no) \| (yes|no) \|$", UPSTREAMS, re.MULTILINE))
    word = {True: "yes", False: "no"}
    assert rows == {(str(b.code), b.name, str(b.status), word[b.retryable], word[b.final]) for b in api.BANDS}
    assert all(ending in GUIDE for ending in api.ENDINGS)
