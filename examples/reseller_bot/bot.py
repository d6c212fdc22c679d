"""A small shop of your own: it sells what another shop has, for Telegram Stars, with your markup. See README.md beside this file."""

import asyncio
import contextlib
import hashlib
import html
import logging
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from typing import Any

from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, Update
from telegram.error import TelegramError
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, PreCheckoutQueryHandler, filters

from .supplier import Refused, Supplier, Unknown

log = logging.getLogger("reseller")
App = Application[Any, Any, Any, Any, Any, Any]
Context = ContextTypes.DEFAULT_TYPE

# An order is in the book from the moment it is paid until its buyer has the codes or the Stars back, so that no crash loses one.
BOOK = """CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, buyer INTEGER NOT NULL, charge TEXT NOT NULL, item TEXT NOT NULL,
 most TEXT NOT NULL, currency TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open')"""


@dataclass(frozen=True)
class Terms:
    """What you add, and what a Star is worth to you in the shop's currency."""

    markup_percent: Decimal
    star: Decimal

    def stars(self, price: str) -> int:
        """The price to your buyers; a part of a Star is a Star."""
        return int((Decimal(price) * (100 + self.markup_percent) / 100 / self.star).to_integral_value(ROUND_UP))


class Shop:
    """The conversation with buyers, and the book of what they paid for."""

    def __init__(self, supplier: Supplier, terms: Terms, book: str, again_seconds: float = 15.0) -> None:
        self._supplier, self._terms, self._again_seconds = supplier, terms, again_seconds
        self._book = sqlite3.connect(book, isolation_level=None)
        self._book.row_factory = sqlite3.Row
        self._book.execute(BOOK)
        self._wake = asyncio.Event()

    async def start(self, update: Update, _: Context) -> None:
        """/start: what there is, and what it costs here."""
        assert update.effective_chat is not None
        try:
            items = await self._supplier.items()
        except (Refused, Unknown) as trouble:
            log.warning("no catalogue: %s", trouble)
            await update.effective_chat.send_message("The shelves cannot be seen right now. Please try again in a minute: /start")
            return
        rows = [
            [InlineKeyboardButton(f"{item['title']} · ⭐ {self._terms.stars(item['price'])}", callback_data=f"buy:{item['key']}")]
            for item in items
            if item["stock"] != 0 and len(item["key"].encode()) <= 60  # a button carries 64 bytes
        ]
        words = "Welcome! What would you like?" if rows else "Everything is sold out. Please look in again later."
        await update.effective_chat.send_message(words, reply_markup=InlineKeyboardMarkup(rows[:50]) if rows else None)

    async def press(self, update: Update, _: Context) -> None:
        """A button of the shelf: the invoice, with the price of this minute."""
        query, chat = update.callback_query, update.effective_chat
        assert query is not None and chat is not None
        key = str(query.data).removeprefix("buy:")
        try:
            item = await self._supplier.item(key)
        except (Refused, Unknown):
            await query.answer("This is not on sale right now. /start shows what is.", show_alert=True)
            return
        if not item["active"] or item["stock"] == 0:
            await query.answer("Sold out. /start shows what is left.", show_alert=True)
            return
        await query.answer()
        price = [LabeledPrice(item["title"][:32], self._terms.stars(item["price"]))]
        payload = "|".join((item["price"], item["currency"], key))
        await chat.send_invoice(item["title"][:32], "One code, sent to this chat at once.", payload, "XTR", price, start_parameter="buy")

    async def check(self, update: Update, _: Context) -> None:
        """The last look before Stars move: is it there, and at this price?"""
        checkout = update.pre_checkout_query
        assert checkout is not None
        price, _currency, key = checkout.invoice_payload.split("|", 2)
        try:
            item = await self._supplier.item(key)
            good = item["active"] and item["stock"] != 0 and Decimal(item["price"]) <= Decimal(price)
        except (Refused, Unknown):
            good = False
        await checkout.answer(good, None if good else "The price or the stock has changed. Please press /start and choose again.")

    async def paid(self, update: Update, _: Context) -> None:
        """Paid: it is written down first, then bought. The number is made of the payment, so a repeated update is the same order."""
        message, buyer = update.effective_message, update.effective_user
        assert message is not None and message.successful_payment is not None and buyer is not None
        payment = message.successful_payment
        most, currency, key = payment.invoice_payload.split("|", 2)
        charge = payment.telegram_payment_charge_id
        number = "B" + hashlib.sha256(charge.encode()).hexdigest()[:24]
        self._book.execute(
            "INSERT OR IGNORE INTO orders (number, buyer, charge, item, most, currency) VALUES (?, ?, ?, ?, ?, ?)",
            (number, buyer.id, charge, key, most, currency),
        )
        self._wake.set()

    async def work_off(self, bot: Bot) -> None:
        """Bring every open order on: buy it, fetch its codes, send them; what is unknown stays open and is asked for again."""
        for row in self._book.execute("SELECT * FROM orders WHERE state = 'open'").fetchall():
            try:
                await self._settle(bot, row)
            except (Unknown, TelegramError) as trouble:
                log.warning("%s is not over: %s", row["number"], trouble)

    async def _settle(self, bot: Bot, row: sqlite3.Row) -> None:
        try:
            # Asked with the same words each time: the shop makes one order of one number, and answers what became of it.
            order = await self._supplier.order(row["number"], row["item"], Decimal(row["most"]), row["currency"])
        except Refused as refusal:
            await self._give_back(bot, row, str(refusal))
            return
        if order["state"] in ("failed", "reversed"):
            await self._give_back(bot, row, order["note"])
        elif order["state"] == "done":
            codes = await self._supplier.codes(order["id"]) if order["codes"] else [order["note"]]
            text = "\n".join(f"<tg-spoiler>{html.escape(code)}</tg-spoiler>" for code in codes)
            await bot.send_message(row["buyer"], f"Here is what you bought:\n{text}", parse_mode="HTML", protect_content=True)
            self._over(row, "sent")

    async def _give_back(self, bot: Bot, row: sqlite3.Row, why: str) -> None:
        log.info("%s is given back: %s", row["number"], why)
        try:
            await bot.refund_star_payment(row["buyer"], row["charge"])
        except TelegramError as trouble:
            if "ALREADY_REFUNDED" not in str(trouble):
                raise
        self._over(row, "given back")
        await bot.send_message(row["buyer"], "Sorry, it was sold to somebody else a moment ago. You have your Stars back. /start")

    def _over(self, row: sqlite3.Row, state: str) -> None:
        self._book.execute("UPDATE orders SET state = ? WHERE number = ?", (state, row["number"]))

    async def keep_at_it(self, bot: Bot) -> None:
        """Work off what is paid as soon as it is, and what a crash or a silent network left open, for as long as the bot runs."""
        while True:
            self._wake.clear()
            await self.work_off(bot)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._again_seconds)

    async def close(self) -> None:
        await self._supplier.close()
        self._book.close()


def make(token: str, shop: Shop, api: str = "https://api.telegram.org") -> App:
    """The bot, on the Bot API at this address."""
    app = Application.builder().token(token).base_url(f"{api}/bot").base_file_url(f"{api}/file/bot").build()
    app.add_handler(CommandHandler("start", shop.start))
    app.add_handler(CallbackQueryHandler(shop.press, pattern="^buy:"))
    app.add_handler(PreCheckoutQueryHandler(shop.check))
    app.add_handler(MessageHandler(filters.SUCCESSFUL_PAYMENT, shop.paid))
    return app


@asynccontextmanager
async def running(app: App, shop: Shop) -> AsyncIterator[None]:
    """The bot at work, until the block ends."""
    async with app:
        assert app.updater is not None
        await app.updater.start_polling()
        await app.start()
        going_on = asyncio.create_task(shop.keep_at_it(app.bot))
        try:
            yield
        finally:
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)
            await app.updater.stop()
            await app.stop()
            await shop.close()


async def main(environment: Any) -> None:
    supplier = Supplier(environment["SHOP_URL"], environment["SHOP_KEY"], environment["SHOP_SECRET"])
    terms = Terms(Decimal(environment.get("MARKUP_PERCENT", "20")), Decimal(environment.get("STAR_PRICE", "0.09")))
    shop = Shop(supplier, terms, environment.get("BOOK", "orders.db"))
    app = make(environment["BOT_TOKEN"], shop, environment.get("TELEGRAM_API", "https://api.telegram.org"))
    async with running(app, shop):
        await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(main(os.environ))
