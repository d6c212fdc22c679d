"""A delivery as a file for whoever has to account for it: who brought it, on which paper, and what became of each code; no secret in it."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Sequence
from io import BytesIO

from aiogram.exceptions import TelegramAPIError
from aiogram.types import BufferedInputFile, CallbackQuery

from core import aftersale, inventory, onboarding, orders
from core.aftersale import CodeCase
from core.errors import N_
from core.inventory import BatchCode, BatchView
from core.orders import CodeRefund
from handlers.admin.desk import Desk
from handlers.cases import OUTCOMES, REASONS
from handlers.supply.words import PAPERS, until
from locales import Speech
from papers.tables import Cell, csv_rows, csv_table

AT_ONCE = 10_000  # codes that are looked up together
PLACES = {
    "staged": N_("being imported"),
    "available": N_("on the shelf"),
    "held": N_("held for a payment"),
    "sold": N_("sold"),
    "refunded": N_("refunded, void"),
    "void": N_("void"),
}


async def send_batch(press: CallbackQuery, desk: Desk, batch: BatchView, facts: Sequence[tuple[str, Cell]]) -> bool:
    """Send the file into the chat and write down that it was taken; False when Telegram did not take it.

    `facts` are what stands on the screen of the delivery. The codes are named by their numbers here, in pages: nobody waits for all.
    """
    say = desk.speech
    assert press.message is not None, "it is asked for below a message"
    packed, count = BytesIO(), 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        told = [*facts, (say.label("Paper"), await _paper(desk, batch))]
        archive.writestr("delivery.csv", csv_table([say.label("What"), say.label("Value")], told, say.timezone))
        with archive.open("codes.csv", "w", force_zip64=True) as codes:
            codes.write(csv_table([say.label(column) for column in COLUMNS], [], say.timezone))
            after = 0
            while page := await desk.shop.read(inventory.codes_of_batch, batch.id, after=after, limit=AT_ONCE):
                rows = await _rows(desk, batch, page)
                codes.write(await asyncio.to_thread(csv_rows, rows, say.timezone))
                after, count = page[-1].code_id, count + len(page)
    await desk.shop.write(inventory.note_export, batch_id=batch.id, by=desk.by, codes=count)
    try:
        document = BufferedInputFile(packed.getvalue(), f"delivery-{batch.id}.zip")
        await desk.bot.send_document(press.message.chat.id, document, caption=say.label("Delivery {number}", number=batch.id))
    except TelegramAPIError:
        return False
    return True


COLUMNS = (
    N_("Line"),
    N_("Code no."),
    N_("Where it is"),
    N_("Order"),
    N_("Sold at"),
    N_("Void or refunded at"),
    N_("Refunds"),
    N_("Complaints"),
)


async def _rows(desk: Desk, batch: BatchView, page: Sequence[BatchCode]) -> list[Sequence[Cell]]:
    ids = [code.code_id for code in page]
    sold = await desk.shop.read(orders.issued_at, {code.order_id for code in page if code.order_id is not None})
    refunds: dict[int, list[CodeRefund]] = {}
    for refund in await desk.shop.read(orders.refunds_of_codes, ids):
        refunds.setdefault(refund.code_id, []).append(refund)
    cases: dict[int, list[CodeCase]] = {}
    for case in await desk.shop.read(aftersale.cases_of_codes, sku_id=batch.sku_id, code_ids=ids):
        cases.setdefault(case.code_id, []).append(case)
    return [
        (
            code.row,
            code.code_id,
            desk.speech.label(PLACES[code.place]),
            None if code.order_id is None else orders.number_of(code.order_id),
            None if code.order_id is None else sold.get(code.order_id),
            code.at,
            "; ".join(_refund(desk.speech, one) for one in refunds.get(code.code_id, ())),
            "; ".join(_case(desk.speech, one) for one in cases.get(code.code_id, ())),
        )
        for code in page
    ]


def _refund(say: Speech, refund: CodeRefund) -> str:
    facts = {"number": refund.number, "when": say.when(refund.at), "why": refund.reason or "–"}
    if refund.returned:
        return say.label("order {number}, {when}: unseen, back on the shelf ({why})", **facts)
    return say.label("order {number}, {when} ({why})", **facts)


def _case(say: Speech, case: CodeCase) -> str:
    ended = say.label("open") if case.outcome is None else say.label(OUTCOMES[case.outcome])
    facts = {"id": case.case_id, "when": say.when(case.opened_at), "reason": say.label(REASONS[case.reason])}
    return say.label("case {id}, {when}: {reason} – {ended}", ended=ended, **facts)


async def _paper(desk: Desk, batch: BatchView) -> str:
    """The paper it came on, in one line."""
    say = desk.speech
    paper = None if batch.document_id is None else await desk.shop.read(onboarding.document, batch.document_id)
    if paper is None:
        return say.label("none")
    parts = [f"#{paper.id}", say.label(PAPERS[paper.kind]), paper.scope, until(paper.expires_on, say), paper.number or ""]
    return " · ".join(part for part in parts if part)
