"""The smallest shop there is, with python-telegram-bot: one card for Stars. It runs against the sandbox as it would against Telegram."""

import sys

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LabeledPrice, Update
from telegram.ext import Application, CallbackQueryHandler, CommandHandler, ContextTypes, MessageHandler, PreCheckoutQueryHandler, filters

CODES = ["PTB-0001", "PTB-0002", "PTB-0003"]
Context = ContextTypes.DEFAULT_TYPE  # Below, the checker does not know what an update that we asked for carries.


async def start(update: Update, _: Context) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Steam 50", callback_data="buy")]])
    await update.effective_chat.send_message("Welcome! What would you like?", reply_markup=keyboard)  # type: ignore[union-attr]


async def buy(update: Update, _: Context) -> None:
    await update.callback_query.answer()  # type: ignore[union-attr]
    price = [LabeledPrice("Steam 50", 50)]
    await update.effective_chat.send_invoice("Steam 50", "One code", "steam-50", "XTR", price, start_parameter="x")  # type: ignore[union-attr]


async def check(update: Update, _: Context) -> None:
    await update.pre_checkout_query.answer(ok=bool(CODES), error_message=None if CODES else "Sold out")  # type: ignore[union-attr]


async def paid(update: Update, _: Context) -> None:
    await update.effective_chat.send_message(f"<tg-spoiler>{CODES.pop()}</tg-spoiler>", parse_mode="HTML")  # type: ignore[union-attr]


def make(token: str, api: str) -> Application:  # type: ignore[type-arg]
    """The bot on a Bot API of this address."""
    app = Application.builder().token(token).base_url(f"{api}/bot").base_file_url(f"{api}/file/bot").build()
    handlers = [CommandHandler("start", start), CallbackQueryHandler(buy), PreCheckoutQueryHandler(check)]
    app.add_handlers([*handlers, MessageHandler(filters.SUCCESSFUL_PAYMENT, paid)])
    return app


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2]).run_polling()
