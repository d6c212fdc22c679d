"""Schemathesis against the reseller API: requests drawn from the schema, and every answer held against it."""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, seed, settings

from bot.serving import Serving
from core import api
from core.database import Shop
from core.storefronts import Storefront
from tests.programs import key_for, reseller
from tests.stage import Goods
from tests.web.test_reseller_api import signature
from web.api import ApiDoor, OwnMemory
from web.app import make_app

EXAMPLES = 5


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_every_answer_is_as_the_schema_says(shop: Shop, storefront: Storefront, goods: Goods) -> None:
    made = await key_for(shop, await reseller(shop, storefront))
    item = await shop.read(api.item, key_id=made.key.id, sku_id=goods.sku_id)
    serving = Serving(make_app(shop, api=ApiDoor(OwnMemory(since=0), per_minute=10**6)), "127.0.0.1", 0)
    await serving.open()
    try:
        checked = await asyncio.to_thread(_held_against_it, f"http://127.0.0.1:{serving.port}/api/v1", made, item.key)
    finally:
        await serving.close()

    assert len(checked) >= 15 and min(checked.values()) >= EXAMPLES // 2


def _held_against_it(base: str, made: api.NewKey, item: str) -> dict[str, int]:
    """Draws requests for each operation, signs and sends them; gives how many were checked of each."""
    schemathesis: Any = import_module("schemathesis")
    session, numbers = requests.Session(), iter(range(10**9))
    document = session.get(f"{base}/openapi.json", timeout=10).json()
    document["servers"] = [{"url": base}]
    schema = schemathesis.openapi.from_dict(document)
    checked: dict[str, int] = {}

    def send(case: Any) -> None:
        if isinstance(case.body, dict) and "item" in case.body and next(numbers) % 2:
            case.body["item"] = item  # Half of the orders are of something that there is.
        request = session.prepare_request(requests.Request(**case.as_transport_kwargs(base_url=base)))
        body = request.body or b""
        stamp, nonce = str(int(time.time())), f"schemathesis-{next(numbers):08d}"
        sent = body.encode() if isinstance(body, str) else body
        assert isinstance(sent, bytes)
        given_by = signature(made.secret, stamp, nonce, str(request.method), request.path_url, sent)
        request.headers.update({"Shop-Key": made.key.name, "Shop-Timestamp": stamp, "Shop-Nonce": nonce, "Shop-Signature": given_by})
        response = session.send(request, timeout=15, allow_redirects=False)
        case.validate_response(schemathesis.Response.from_requests(response, verify=False), checks=CHECKS)
        checked[case.operation.label] = checked.get(case.operation.label, 0) + 1

    CHECKS = _checks()
    for found in schema.get_all_operations():
        run: Callable[[], None] = settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(seed(1)(given(case=found.ok().as_strategy())(send)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of the library's own.
            run()
    return checked


def _checks() -> list[Any]:
    not_a_server_error: Any = import_module("schemathesis.checks").not_a_server_error
    checks: Any = import_module("schemathesis.specs.openapi.checks")
    return [
        not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_headers_conformance,
        checks.response_schema_conformance,
    ]
