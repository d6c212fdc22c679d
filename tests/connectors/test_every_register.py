"""One story for every register of certificates that is in the folder, told over real HTTP and real files that misbehave.

A new file in `connectors/certificates/` is found by itself, and fails here until `SET_UP` says how it is set up.
"""

from __future__ import annotations

import json
import pkgutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from bot.certifying import Certifying
from connectors import certificates as folder
from connectors.certificates import _compare, registers
from connectors.certificates.http import HttpRegister
from connectors.settings import SetUpWrong
from core import standing
from core.database import Shop
from core.ports import CertificateAnswer, CertificateFacts, CertificateRegister, CertificateState, NotSure
from sandbox.gateways import CertificateServer
from tests.stage import Clock

FILES = sorted(module.name for module in pkgutil.iter_modules(folder.__path__) if not module.name.startswith("_"))
TOKEN = "a-token-of-the-shop-77"
GOOD = CertificateFacts("auth 2026/001", "ACME Games, Ltd.", "Steam", date(2099, 12, 31))
OLD = CertificateFacts("AUTH-2019-007", "Acme Games Ltd", "Steam", None)
REVOKED = CertificateFacts("AUTH-2026-666", "Acme Games Ltd", "Steam", None)
STRANGE = CertificateFacts("AUTH-9999-999", "Acme Games Ltd", "Steam", None)
BORROWED = CertificateFacts("AUTH-2026-001", "Somebody Else", "Steam", None)


@dataclass(frozen=True)
class Stage:
    """A register of the folder with the same certificates behind it."""

    file: str
    register: CertificateRegister
    server: CertificateServer
    path: Path


def written(server: CertificateServer) -> str:
    head = "number,holder,scope,expires_on,state\n"
    return head + "".join(f"{n},{row['holder']},{row['scope']},{row['expires_on']},{row['state']}\n" for n, row in server.book.items())


SET_UP: dict[str, Callable[[CertificateServer, Path], Mapping[str, str]]] = {
    "manual": lambda server, path: {},
    "file": lambda server, path: {"SHOP_CERTIFICATES_FILE": str(path)},
    "http": lambda server, path: {"SHOP_CERTIFICATES_URL": server.url, "SHOP_CERTIFICATES_TOKEN": TOKEN},
}


@pytest.fixture
async def server() -> AsyncIterator[CertificateServer]:
    made = CertificateServer(TOKEN)
    made.book["auth 2026/001"] = made.book["AUTH-2026-001"]
    await made.start()
    yield made
    await made.stop()


@pytest.fixture(params=FILES)
async def stage(request: pytest.FixtureRequest, server: CertificateServer, tmp_path: Path) -> AsyncIterator[Stage]:
    path = tmp_path / "register.csv"
    path.write_text(written(server), encoding="utf-8")
    made = registers(SET_UP[request.param](server, path))[request.param]
    line: Any = made.__dict__.get("_line")
    if line is not None:
        line._timeout = aiohttp.ClientTimeout(total=0.5)
    yield Stage(request.param, made, server, path)
    await made.close()


def test_every_file_is_told_here() -> None:
    assert set(SET_UP) == set(FILES)


async def test_it_knows_what_is_genuine_and_the_manual_one_knows_nothing(stage: Stage) -> None:
    said = [(await stage.register.check(facts)).state for facts in (GOOD, OLD, REVOKED, STRANGE, BORROWED)]

    if stage.file == "manual":
        assert set(said) == {CertificateState.PENDING}
        return
    assert said == [
        CertificateState.VALID,
        CertificateState.EXPIRED,
        CertificateState.INVALID,
        CertificateState.INVALID,
        CertificateState.INVALID,
    ]
    assert (await stage.register.check(GOOD)).facts["scope"] == "Steam"


def void(_: object) -> None:
    return None


TROUBLES: dict[str, dict[str, Callable[[Stage], None]]] = {
    "manual": {},
    "file": {
        "gone": lambda stage: stage.path.unlink(),
        "not text": lambda stage: void(stage.path.write_bytes(b"\xff\xfe\x00number")),
        "no column": lambda stage: void(stage.path.write_text("a,b\n1,2\n")),
        "a day that is none": lambda stage: void(stage.path.write_text("number,expires_on\nauth-2026-001,soon\n")),
        "a state that is none": lambda stage: void(stage.path.write_text("number,state\nauth-2026-001,maybe\n")),
    },
    "http": {
        "500": lambda stage: setattr(stage.server.faults, "errors_500", 1),
        "late": lambda stage: setattr(stage.server.faults, "stall_seconds", 30),
        "nonsense": lambda stage: setattr(stage.server.faults, "nonsense", True),
        "cut off": lambda stage: setattr(stage.server.faults, "cut_off", True),
        "another certificate": lambda stage: setattr(stage.server.faults, "another", True),
        "no state": lambda stage: setattr(stage.server.faults, "no_state", True),
        "another token": lambda stage: setattr(stage.server, "token", "another"),
        "redirected": lambda stage: setattr(stage.server.faults, "redirect", stage.server.url),
    },
}


async def test_whatever_is_no_answer_is_not_sure_and_names_no_secret(stage: Stage) -> None:
    good = stage.path.read_text(encoding="utf-8")
    for name, trouble in TROUBLES[stage.file].items():
        trouble(stage)
        began = time.monotonic()
        with pytest.raises(NotSure) as unsure:
            await stage.register.check(GOOD)
        assert time.monotonic() - began < 20, name
        assert TOKEN not in str(unsure.value) and stage.server.url not in str(unsure.value)
        stage.server.faults.clear()
        stage.server.token = TOKEN
        stage.path.write_text(good, encoding="utf-8")
    if stage.file != "manual":
        assert (await stage.register.check(GOOD)).state is CertificateState.VALID


async def test_a_register_that_does_not_know_yet_is_pending(server: CertificateServer) -> None:
    [made] = [HttpRegister(server.url, TOKEN)]
    server.faults.pending = True
    assert (await made.check(GOOD)).state is CertificateState.PENDING
    await made.close()


async def test_a_redirection_elsewhere_is_not_followed(server: CertificateServer) -> None:
    """The token is for this register alone: another server never hears of it."""
    heard: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        heard.append(request.headers.get("Authorization", ""))
        return web.json_response({"state": "valid", "number": GOOD.number})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", elsewhere)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.faults.redirect = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    made = HttpRegister(server.url, TOKEN)

    with pytest.raises(NotSure):
        await made.check(GOOD)

    assert heard == []
    await made.close()
    await runner.cleanup()


async def test_get_works_as_post_does(server: CertificateServer) -> None:
    made = registers({"SHOP_CERTIFICATES_URL": server.url, "SHOP_CERTIFICATES_TOKEN": TOKEN, "SHOP_CERTIFICATES_METHOD": "get"})["http"]
    assert (await made.check(GOOD)).state is CertificateState.VALID
    assert server.calls[-1].startswith("GET ")
    await made.close()


async def test_a_list_in_json_says_the_same(server: CertificateServer, tmp_path: Path) -> None:
    path = tmp_path / "register.json"
    path.write_text(json.dumps([{"number": number, **row} for number, row in server.book.items()]), encoding="utf-8")
    made = registers({"SHOP_CERTIFICATES_FILE": str(path)})["file"]
    assert (await made.check(GOOD)).state is CertificateState.VALID
    assert (await made.check(STRANGE)).state is CertificateState.INVALID


@pytest.mark.parametrize(
    ("given_settings", "said"),
    [
        ({"SHOP_CERTIFICATES_URL": "http://register.example/api"}, "has to begin with https"),
        ({"SHOP_CERTIFICATES_URL": "http://10.0.0.7/api"}, "this machine only"),
        ({"SHOP_CERTIFICATES_URL": "register"}, "is not an address"),
        ({"SHOP_CERTIFICATES_URL": "https://register.example/api", "SHOP_CERTIFICATES_METHOD": "PUT"}, "POST or GET"),
        ({"SHOP_CERTIFICATES_FILE": "/nowhere/register.csv"}, "is not there"),
        ({"SHOP_CERTIFICATES_FILE": "register.xlsx"}, "ends in .csv or .json"),
    ],
)
def test_what_is_set_up_wrongly_is_one_sentence(given_settings: dict[str, str], said: str) -> None:
    with pytest.raises(SetUpWrong, match=said):
        registers(given_settings)


@given(st.dictionaries(st.sampled_from(["number", "holder", "scope", "expires_on", "state"]), st.text(max_size=30)))
def test_a_row_is_an_answer_or_cannot_be_read_and_never_valid_by_accident(row: dict[str, str]) -> None:
    try:
        said = _compare.compared(GOOD, row, date(2026, 11, 22))
    except ValueError:
        return
    if said.state is CertificateState.VALID:
        assert (row.get("state") or "valid").strip().lower() == "valid"
        assert not row.get("holder") or _compare.same(row["holder"], GOOD.holder)


class Broken:
    """A register with a mistake in it."""

    name = "broken"

    async def check(self, certificate: CertificateFacts) -> CertificateAnswer:
        raise ZeroDivisionError

    async def close(self) -> None:
        return None


async def test_the_job_asks_until_a_register_answers_and_nothing_is_approved_before(
    shop: Shop, clock: Clock, server: CertificateServer
) -> None:
    number = await shop.write(standing.want_check, "paper:1", GOOD)
    job = Certifying(shop, {"broken": Broken(), **registers({"SHOP_CERTIFICATES_URL": server.url, "SHOP_CERTIFICATES_TOKEN": TOKEN})})
    server.faults.errors_500 = 1

    assert await job.run() == 1
    waiting = await shop.read(standing.check, number)
    assert waiting is not None and waiting.state is CertificateState.PENDING
    assert await job.run() == 0, "it is asked again later"
    clock.passes(seconds=40)
    assert await job.run() == 1

    found = await shop.read(standing.check, number)
    assert found is not None and (found.state, found.register) == (CertificateState.VALID, "http")
    assert [one.register for one in found.answers] == ["broken", "http", "broken", "http"]
    await job.close()


async def test_without_a_register_a_certificate_waits_for_a_person(shop: Shop, clock: Clock) -> None:
    number = await shop.write(standing.want_check, "paper:1", GOOD)
    job = Certifying(shop, registers({}))
    assert await job.run() == 1
    clock.passes(days=30)
    assert await job.run() == 0
    found = await shop.read(standing.check, number)
    assert found is not None and found.state is CertificateState.PENDING
