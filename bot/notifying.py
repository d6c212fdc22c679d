"""Telling programs of resellers what has changed: each report signed by its key, tried again up the ladder until it is heard."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from bot import dujiao_letters
from bot.jobs import Job
from connectors.reporting import NotHeard
from core import api
from core.api import Due, Form, ReportKind
from core.database import Shop
from core.money import decimal_text

log = structlog.get_logger()

AT_ONCE = 20


class Posts(Protocol):
    """Who posts: `connectors.reporting.Reporter`."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A report as it is sent."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


Writes = Callable[[Due], Letter | None]
"""Writes a report in the form of its key; None when programs of that form hear nothing of this kind."""


def letter(due: Due) -> Letter:
    """A report in our own form; the path line of what is signed is empty, because behind a proxy the receiver's may be another."""
    document: dict[str, Any] = {"event": f"ev_{due.id}", "sequence": due.sequence, "type": due.kind.value}
    if due.kind is ReportKind.ORDER:
        assert due.order is not None, "a report of an order has one"
        document["order"] = {"id": due.order.ours, "number": due.order.number, "state": due.order.state}
    else:
        facts = dict(due.body)
        unit, currency = facts.pop("unit_minor"), str(facts["currency"])
        document["item"] = {**facts, "price": None if unit is None else decimal_text(int(unit), currency)}
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    stamp, nonce = str(int(time.time())), secrets.token_hex(16)
    sign = api.sign_md5 if due.key.key.form is Form.MD5 else api.sign
    headers = {
        "Content-Type": "application/json",
        "Shop-Key": due.key.key.name,
        "Shop-Timestamp": stamp,
        "Shop-Nonce": nonce,
        "Shop-Signature": sign(due.key.secrets[0], stamp, nonce, "POST", "", body),
    }
    return Letter(headers, body)


def dujiao_letter(due: Due) -> Letter | None:
    """A report in the form of dujiao-next."""
    found = dujiao_letters.written(due)
    return None if found is None else Letter(*found)


FORMS: dict[Form, Writes] = {Form.OWN: letter, Form.MD5: letter, Form.DUJIAO: dujiao_letter}
"""How each form of key is reported to; the compatible doors add theirs."""


class Notifier:
    """Sends what is due. Several processes may: a report is leased while it is sent, and one that is sent twice says the same."""

    def __init__(self, shop: Shop, posts: Posts) -> None:
        self._shop, self._posts = shop, posts

    def jobs(self) -> list[Job]:
        """What a process does for it, again and again."""
        return [
            Job("report-orders", 1, lambda: self._shop.write(api.report_orders)),
            Job("note-changes", 3, self.note_changes, full=1 << 30),
            Job("tell-programs", 1, self.send_due, full=AT_ONCE),
        ]

    async def note_changes(self) -> int:
        """Look for changes in each storefront that programs buy from."""
        return sum([await self._shop.write(api.note_changes, storefront_id=each) for each in await self._shop.read(api.feeds)])

    async def send_due(self) -> int:
        """Send what is due, some at once; returns how many."""
        due = await self._shop.write(api.take_reports, most=AT_ONCE)
        await asyncio.gather(*(self._send(one) for one in due))
        return len(due)

    async def _send(self, due: Due) -> None:
        writes = FORMS.get(due.key.key.form)
        written = None if writes is None else writes(due)
        if written is None:
            await self._shop.write(api.heard, report_id=due.id)
            return
        try:
            await self._posts.post(due.url, written.headers, written.body)
        except NotHeard as trouble:
            parked = await self._shop.write(api.not_heard, report_id=due.id, trouble=str(trouble))
            log.info("report-not-heard", key=due.key.key.id, sequence=due.sequence, trouble=str(trouble), parked=parked)
        else:
            await self._shop.write(api.heard, report_id=due.id)
