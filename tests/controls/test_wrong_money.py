"""Controls: a core that is wrong by one minor unit, or books a thing twice, told the same story of payments, which must notice."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from core import payments
from core.database import Shop
from core.ledger import AccountKind, Leg, TransferKind, open_account, transfer
from core.money import convert_down
from core.orders import coming_back, refunds, settling, to_source
from core.payments import commands, returns
from core.ports import Fee
from tests.conftest import KEYS
from tests.core.money_story import DOLLARS, YUAN, play
from tests.stage import Clock

# The module: its door has a question of the same name.
quote = importlib.import_module("core.pricing.quote")

# Paid exactly, too little, too late; refunded by the piece, to the source and to the wallet; given back unseen, and lost when seen.
STORY: list[tuple[Any, ...]] = [
    ("place", 0, 3, DOLLARS, 0),
    ("paid", 0, "exact"),
    ("refund", 0, False, True),
    ("answer", "yes"),
    ("place", 1, 1, DOLLARS, 0),
    ("paid", 1, "less"),
    ("place", 2, 2, YUAN, 0),
    ("later", 4000),
    ("jobs",),
    ("paid", 2, "exact"),
    ("refund", 1, False, False),
    ("sent", False),
    ("place", 0, 1, YUAN, 0),
    ("paid", 3, "exact"),
    ("given-back", 3),
    ("place", 1, 2, DOLLARS, 0),
    ("paid", 4, "exact"),
    ("sent", False),
    ("buy", 1, 1),
    ("console", 4, 0, 100),
    ("console", 4, 0, 101),
    ("disputed", 4, 0, "lost"),
    ("refund", 3, True, False),
    ("place", 2, 1, DOLLARS, 0),
    ("paid", 5, "exact"),
    ("disputed", 5, 0, "taken"),
    ("disputed", 5, 0, "half"),
    ("disputed", 5, 0, "won"),
]


def generous_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came in is rounded up for the buyer."""

    def up(minor: int, rate: Fraction) -> int:
        return convert_down(minor, rate) + 1

    monkeypatch.setattr(commands, "convert_down", up)


def mean_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked is rounded down, so that the shop bears the rest."""
    monkeypatch.setattr(quote, "convert_up", convert_down)


def crumbs_in_refunds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The share of a refund is rounded up at every piece."""

    def up(total_minor: int, part: int, whole: int) -> int:
        return -(-total_minor * part // whole)

    for module in (refunds, to_source):
        monkeypatch.setattr(module, "share", up)


def a_doubled_credit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every payment is credited twice, each in a transfer that is balanced by itself."""
    credit = commands.credit

    def twice(session: Any, **facts: Any) -> None:
        credit(session, **facts)
        credit(session, **facts | {"key": f"{facts['key']}:again"})

    monkeypatch.setattr(commands, "credit", twice)


def a_fee_out_of_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refund leaves a cent with the house, balanced, under a key of its own."""
    done = to_source.move

    def and_a_cent(session: Any, key: str, party_id: int, order_id: int, legs: Any) -> None:
        done(session, key, party_id, order_id, legs)
        if key.startswith("refund-done"):
            fees, ours = (
                open_account(session, party_id=party_id, kind=kind, currency="CNY") for kind in (AccountKind.FEES, AccountKind.EXCHANGE)
            )
            cent = [Leg(ours, fees, 1, "CNY")]
            transfer(session, key=f"{key}:cent", kind=TransferKind.REFUND, party_id=party_id, legs=cent, subject_id=order_id)

    monkeypatch.setattr(to_source, "move", and_a_cent)


def nothing_for_late_money(monkeypatch: pytest.MonkeyPatch) -> None:
    """Late money is booked, and what it paid for is never issued: a payment that ends in silence would look like this."""
    monkeypatch.setattr(settling, "_issue_paid", lambda session, order_id, **facts: "issued")


def codes_for_money_that_went_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What nobody has seen is sent all the same when its payment was given back, and the shop has lost it."""
    monkeypatch.setattr(coming_back, "undo_unsent", lambda session, **facts: None)


def parts_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part that goes back in a console is rounded as if none had gone before."""
    monkeypatch.setattr(returns, "returned_of", lambda session, **facts: (0, 0))


def a_free_dispute(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the provider charges for a dispute is in no book."""
    take_back = returns.take_back

    def for_nothing(session: Any, **facts: Any) -> Any:
        return take_back(session, **facts | {"fee_minor": 0})

    monkeypatch.setattr(payments, "take_back", for_nothing)


def given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bank took and the shop lost is refunded to the balance once more."""
    monkeypatch.setattr(payments, "regain", lambda session, **facts: 0)


def a_dispute_that_was_won_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the bank gives again is not booked."""
    monkeypatch.setattr(payments, "reinstate", lambda session, **facts: None)


BROKEN = [
    generous_rounding,
    mean_rounding,
    crumbs_in_refunds,
    a_doubled_credit,
    a_fee_out_of_nowhere,
    nothing_for_late_money,
    codes_for_money_that_went_back,
    parts_by_themselves,
    a_free_dispute,
    given_twice,
    a_dispute_that_was_won_for_nothing,
]


@pytest.fixture
async def told(sqlite_template: Path, tmp_path: Path) -> Any:
    clock = Clock()
    shutil.copy(sqlite_template, tmp_path / "shop.db")

    async def tell() -> Any:
        async with Shop.opened(f"sqlite:///{tmp_path}/shop.db", KEYS, clock=clock) as shop:
            return await play(shop, clock, Fee(290, 30, True), STORY)

    return tell


async def test_the_story_is_true_of_the_core_as_it_is(told: Any) -> None:
    assert set(await told()) == {"delivered", "credited", "given-back", "refunded"}


@pytest.mark.parametrize("broken", BROKEN)
async def test_a_core_that_is_wrong_is_found_by_the_story(
    told: Any, monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        await told()


def test_what_is_broken_is_what_the_core_uses() -> None:
    """A control that breaks nothing would prove nothing: the names are looked up where they are used."""
    assert payments.judge is commands.judge
    for module, name in ((commands, "convert_down"), (quote, "convert_up"), (refunds, "share"), (commands, "credit")):
        assert name in vars(module)
    assert "undo_unsent" in vars(coming_back) and "move" in vars(to_source)
    for module in (coming_back, refunds):
        assert module.payments is payments, "they are called through the door"
