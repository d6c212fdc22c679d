"""The fakes of the upstream shops, each with its connector: what every test of an upstream stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.gateways import AcgFakaUpstream, DujiaoUpstream, OwnShopUpstream, TopupUpstream, Upstream
from sandbox.gateways.courier import Pace

KEY, SECRET = "sk_test_0001", "secret-of-the-tests-0001"
QUICK = Pace(repeat_after_seconds=(0.02, 0.05), answer_seconds=2, hold_seconds=0.3)


@dataclass(frozen=True)
class Stand:
    """How one protocol is set up in the tests: its fake, what the connector is told, and what it sells."""

    make: Callable[[], Upstream]
    settings: Callable[[str], Mapping[str, str]]
    key: str  # of a ware that costs 8.50
    kind: str = "code"

    def fields(self) -> dict[str, str]:
        return {"account": "13800001111"} if self.kind == "topup" else {}


def _signed(url: str) -> Mapping[str, str]:
    return {"url": url, "key": KEY, "secret": SECRET}


STANDS: dict[str, Stand] = {
    "own-shop": Stand(lambda: OwnShopUpstream(KEY, SECRET, pace=QUICK), _signed, "steam-50"),
    "dujiao-next": Stand(lambda: DujiaoUpstream(KEY, SECRET, pace=QUICK), _signed, "7:71"),
    "acg-faka": Stand(
        lambda: AcgFakaUpstream("1001", SECRET, pace=QUICK),
        lambda url: {"url": url, "app_id": "1001", "app_key": SECRET, "currency": "CNY"},
        "A1B2:50 元",
    ),
    "topup": Stand(lambda: TopupUpstream(KEY, SECRET, pace=QUICK), _signed, "mobile-50", "topup"),
}


def stocked(stand: Stand, stock: int = 20) -> Upstream:
    """A fake with one thing to sell at 8.50."""
    fake = stand.make()
    fake.sells(stand.key, "Steam 50 CNY", "8.50", stock=stock, kind=stand.kind)
    return fake
