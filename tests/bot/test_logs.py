"""No line of a log holds a token or a code, whoever writes it and whatever breaks."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator

import pytest
import structlog
from pydantic import BaseModel
from sqlalchemy import create_engine, text

from bot.logs import REDACTION, configure, told, where

TOKEN = "7000000001:AAplanted-token-of-a-bot_0123456789"
CODE = "PLANTED-CODE-9F3K-77QX"

Lines = Callable[[], str]


@pytest.fixture(params=["json", "console"])
def lines(request: pytest.FixtureRequest) -> Iterator[Lines]:
    """The log as it is in production; puts everything back afterwards."""
    root = logging.getLogger()
    before, level, shop = root.handlers[:], root.level, structlog.get_config()
    out = io.StringIO()
    configure(as_json=request.param == "json", stream=out)
    yield out.getvalue
    logging.captureWarnings(False)
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)
    structlog.configure(**shop)


def test_a_token_is_hidden_wherever_it_stands(lines: Lines) -> None:
    log = structlog.get_logger("shop")
    log.info("started", token=TOKEN, url=f"https://api.telegram.org/bot{TOKEN}/getMe")
    log.info(f"quoted {TOKEN.replace(':', '%3A')}", nested={"bot": [TOKEN]})
    logging.getLogger("aiogram").warning("Failed to fetch %s", f"https://x/bot{TOKEN}/getUpdates")
    logging.getLogger("uvicorn.error").error("%r", {"token": TOKEN})
    try:
        raise ConnectionError(f"cannot connect to https://api.telegram.org/bot{TOKEN}/sendMessage")
    except ConnectionError:
        log.exception("broke")
        logging.getLogger("asyncio").exception("Task exception was never retrieved")
    shown = lines()
    assert "AAplanted" not in shown
    assert shown.count("broke") == 1 and "ConnectionError" in shown and "api.telegram.org" in shown


def test_a_password_in_an_address_is_hidden(lines: Lines) -> None:
    logging.getLogger("sqlalchemy.pool").error("no connection to postgresql+asyncpg://shop:s3cretWord@db:5432/shop")
    assert "s3cretWord" not in lines()
    assert "db:5432" in lines()


def test_a_word_that_was_named_is_hidden(lines: Lines) -> None:
    REDACTION.hide("very-own-webhook-secret")
    structlog.get_logger("shop").info("webhook", secret="very-own-webhook-secret")
    assert "very-own-webhook-secret" not in lines()


def test_an_exception_shows_neither_local_variables_nor_what_a_statement_was_given(lines: Lines) -> None:
    log = structlog.get_logger("shop")
    engine = create_engine("sqlite://", hide_parameters=False)  # As if somebody had forgotten it.

    def breaks(code: str) -> None:
        secret = f"{code}"
        with engine.connect() as connection:
            connection.execute(text("INSERT INTO nowhere VALUES (:code)"), {"code": secret})

    try:
        breaks(CODE)
    except Exception:
        log.exception("could-not-store")
        logging.getLogger("sqlalchemy").exception("could not store")
    shown = lines()
    assert CODE not in shown
    assert "OperationalError" in shown and "breaks" in shown


def test_an_exception_that_comes_from_another_hides_the_first_too(lines: Lines) -> None:
    class Card(BaseModel):
        number: int

    try:
        try:
            Card.model_validate({"number": CODE})
        except ValueError as first:
            raise RuntimeError("the card cannot be read") from first
    except RuntimeError:
        structlog.get_logger("shop").exception("broke")
    assert CODE not in lines()
    assert "the card cannot be read" in lines()


def test_the_row_that_postgresql_quotes_is_hidden() -> None:
    error = ValueError(f'new row for relation "codes" violates a check\nDETAIL:  Failing row contains (1, {CODE}).')
    assert CODE not in told(error)


def test_where_names_the_place_and_not_the_message() -> None:
    with pytest.raises(ValueError) as caught:
        raise ValueError(CODE)
    assert "test_logs.py" in where(caught.value) and CODE not in where(caught.value)


@pytest.mark.parametrize("lines", ["json"], indirect=True)
def test_one_line_each_and_all_of_them_json(lines: Lines) -> None:
    structlog.get_logger("shop").warning("one", amount=5)
    logging.getLogger("aiogram.event").info("Update id=1 is handled")
    logging.getLogger("aiogram").error("two")
    try:
        raise ValueError("three\nlines\nlong")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("three")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.warn("four", UserWarning, stacklevel=1)
    read = [json.loads(line) for line in lines().splitlines()]
    assert [line["level"] for line in read] == ["warning", "error", "error", "warning"]
    assert read[0]["event"] == "one" and read[0]["amount"] == 5 and read[0]["timestamp"].endswith("Z")
    assert "ValueError" in read[2]["exception"]


def test_the_level_is_kept(lines: Lines) -> None:
    structlog.get_logger("shop").debug("whisper")
    assert lines() == ""
