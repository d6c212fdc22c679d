"""Logs: one line for each event, as JSON or for a person's eyes, and never with a token or a code in it."""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterable
from typing import Any, TextIO

import structlog
from structlog.types import EventDict, ExcInfo, Processor, WrappedLogger

_HIDDEN = "‹hidden›"
# A bot's token wherever it stands, also in an address and with its colon escaped.
_TOKEN = re.compile(r"(?<![\w.-])(?:bot)?\d{5,16}(?::|%3[Aa])[A-Za-z0-9_-]{10,}")
_PASSWORD = re.compile(r"(?P<before>\b[a-z][a-z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?=@)")
# What libraries put into their messages of what they were given: pydantic its input, SQLAlchemy its parameters, PostgreSQL the row.
_GIVEN = (
    (re.compile(r"input_value=.*?(?=, input_type=|\])", re.DOTALL), f"input_value={_HIDDEN}"),
    (re.compile(r"\[parameters: .*?(?=\n|\(Background|$)", re.DOTALL), f"[parameters: {_HIDDEN}]"),
    (re.compile(r"DETAIL:.*"), f"DETAIL: {_HIDDEN}"),
)


class Redaction:
    """Takes out of a line what must not be in a log: tokens, passwords in addresses, and words it was told to hide."""

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._words = {word for word in words if len(word) >= 6}

    def hide(self, word: str) -> None:
        """Never show this word (a secret that was read or made at start)."""
        if len(word) >= 6:
            self._words.add(word)

    def __call__(self, line: str) -> str:
        line = _TOKEN.sub(_HIDDEN, line)
        line = _PASSWORD.sub(rf"\g<before>{_HIDDEN}", line)
        for word in self._words:
            line = line.replace(word, _HIDDEN)
        return line


REDACTION = Redaction()


def told(error: BaseException) -> str:
    """The traceback of an error: no local variables, no statement's parameters, no input of a validation."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        if hasattr(link, "hide_parameters"):  # SQLAlchemy's: it may have been made by an engine that shows them.
            link.hide_parameters = True
        link = link.__cause__ or link.__context__
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=False, compact=True).format())
    for pattern, instead in _GIVEN:
        text = pattern.sub(instead, text)
    return text.rstrip()


def where(error: BaseException) -> str:
    """Where an error came from, as `file:line function`, the last three steps, without its message."""
    steps = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join(f"{step.filename.rsplit('/', 1)[-1]}:{step.lineno} {step.name}" for step in reversed(steps))


def _exception(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    given: ExcInfo | BaseException | bool | None = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = told(error)
    return event


class _Line(structlog.stdlib.ProcessorFormatter):
    """The last step of every line, whoever wrote it."""

    def format(self, record: logging.LogRecord) -> str:
        return REDACTION(super().format(record))

    def formatException(self, ei: Any) -> str:
        # Only called when something goes wrong in logging itself.
        return told(ei[1]) if ei and ei[1] is not None else ""


def configure(*, as_json: bool, level: str = "INFO", hide: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Send every log line of the process – ours, aiogram's, SQLAlchemy's, uvicorn's – to `stream` (standard error) as one line.

    `hide` are secrets that must never appear, whatever a library does.
    """
    for word in hide:
        REDACTION.hide(word)
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _exception,
        structlog.processors.UnicodeDecoder(),
    ]
    last: Processor
    out = stream or sys.stderr
    if as_json:
        last = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    else:
        last = structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        _Line(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(allow=()), *before],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in ("aiogram", "aiogram.event", "aiogram.dispatcher", "sqlalchemy", "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        other = logging.getLogger(name)
        other.handlers.clear()
        other.propagate = True
    # One line for each update, request or statement would drown what matters.
    for name in ("aiogram.event", "sqlalchemy", "uvicorn.error", "uvicorn.access", "asyncio", "stripe"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
