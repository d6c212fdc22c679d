"""A transfer by hand: words for the payer, and no machine that could say anything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import pytest

from connectors.payments import methods
from connectors.payments.transfer import LONGEST_WORDS
from connectors.settings import SetUpWrong
from core.money import MOST_MINOR
from core.ports import Ask, Callback, Declined, NotGenuine, PaymentMethod, Refund, TelegramCalls

NO_TELEGRAM = cast(TelegramCalls, None)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def transfer(**settings: str) -> PaymentMethod | None:
    return methods(NO_TELEGRAM, {f"SHOP_TRANSFER_{name}": value for name, value in settings.items()}).get("transfer")


def made(**settings: str) -> PaymentMethod:
    found = transfer(WORDS="Bank of X, 6222 0000", **settings)
    assert found is not None
    return found


def test_it_is_there_when_the_owner_says_how_to_pay() -> None:
    assert transfer() is None
    assert transfer(WORDS="  ", CURRENCY="EUR") is None
    assert isinstance(made(), PaymentMethod)


async def test_the_payer_gets_the_owners_own_words() -> None:
    method = transfer(WORDS=" Bank of X\\n6222 0000\n<b>Mr. Li</b> & Co. ")
    assert method is not None
    created = await method.create(Ask("7", 9500, "CNY", "Steam", "", 1, NOW))
    assert created.words == "Bank of X\n6222 0000\n<b>Mr. Li</b> & Co."
    assert (created.provider_ref, created.url, created.qr) == (None, None, None)


def test_a_person_says_whether_it_was_paid_and_nobody_else() -> None:
    able = made(MINIMUM="1.50", MAXIMUM="5000", FEE_PERCENT="0.5").capabilities
    assert able.by_hand and not (able.callback or able.poll or able.refund_full or able.refund_partial or able.reversible)
    assert (able.currency, able.minimum_minor, able.maximum_minor, able.fee.basis_points) == ("CNY", 150, 500_000, 50)
    assert made(CURRENCY="jpy", MINIMUM="150").capabilities.minimum_minor == 150
    assert made().capabilities.maximum_minor == MOST_MINOR


async def test_whoever_reports_is_not_genuine_and_nothing_can_be_asked() -> None:
    method = made()
    with pytest.raises(NotGenuine):
        await method.callback(Callback([("paid", "yes")], {}, b"yes"))
    assert await method.find("7", None, NOW) is None
    assert await method.received(NOW) == []
    with pytest.raises(Declined):
        await method.refund(Refund("r", "k", "7", None, 1, 100, 100, "CNY"))
    await method.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"CURRENCY": "yuan"},
        {"CURRENCY": "XTR"},
        {"MINIMUM": "5", "MAXIMUM": "4"},
        {"MINIMUM": "0"},
        {"MINIMUM": "-1"},
        {"MINIMUM": "NaN"},
        {"MINIMUM": "0.001"},
        {"MAXIMUM": "1e30"},
        {"FEE_PERCENT": "all"},
        {"WORDS": "x" * (LONGEST_WORDS + 1)},
    ],
)
def test_what_is_set_wrongly_is_one_sentence_that_names_it(wrong: dict[str, str]) -> None:
    with pytest.raises(SetUpWrong, match=r"SHOP_TRANSFER_\w+ .*\."):
        transfer(**{"WORDS": "Bank of X", **wrong})
