"""Methods about Telegram Stars."""

import secrets

from aiogram.methods import CreateInvoiceLink, GetMyStarBalance, GetStarTransactions, RefundStarPayment

from sandbox import limits
from sandbox.calls import Line, answers
from sandbox.errors import bad_request
from sandbox.stars import invoice_asked, refund, transactions
from sandbox.store import Json


@answers(CreateInvoiceLink)
async def create_invoice_link(line: Line, call: CreateInvoiceLink) -> str:
    invoice = invoice_asked(line.bot, call)
    link = f"https://t.me/${secrets.token_urlsafe(16)}"
    line.world.invoice_links[link] = invoice
    line.world.store.put("invoice", link, invoice)
    return link


@answers(RefundStarPayment)
async def refund_star_payment(line: Line, call: RefundStarPayment) -> bool:
    refund(line.world, line.bot, call.user_id, call.telegram_payment_charge_id)
    return True


@answers(GetStarTransactions)
async def get_star_transactions(line: Line, call: GetStarTransactions) -> Json:
    limit = limits.STAR_TRANSACTIONS_AT_ONCE if call.limit is None else call.limit
    if not 1 <= limit <= limits.STAR_TRANSACTIONS_AT_ONCE:
        raise bad_request("LIMIT_INVALID")
    if (call.offset or 0) < 0:
        raise bad_request("OFFSET_INVALID")
    return {"transactions": transactions(line.world, line.bot, call.offset or 0, limit)}


@answers(GetMyStarBalance)
async def get_my_star_balance(line: Line, call: GetMyStarBalance) -> Json:
    return {"amount": line.bot.stars}
