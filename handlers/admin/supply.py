"""Where the staff find everything about supply: one button for each of its screens."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery

from handlers import callbacks
from handlers.admin.desk import Desk, Go, go
from handlers.pieces import bold, button, paragraphs


def router() -> Router:
    made = Router(name="admin-supply")
    made.callback_query.register(supply, Go.filter(F.to == "supply"))
    return made


async def supply(press: CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    await desk.show(
        press,
        paragraphs(bold(say.say("Supply")), say.say("Who brings goods, on which terms, and where each unit is drawn from.")),
        [
            [go(say.label("📋 Applications"), "apps"), go(say.label("🏭 Suppliers"), "suppliers")],
            [go(say.label("🏷 Offers"), "offers"), go(say.label("📉 Margins"), "reprices")],
            [go(say.label("💱 Cost wishes"), "wishes"), go(f"🧮 {say.label('Quotas')}", "quotas")],
            [go(say.label("🧾 Purchase orders"), "buys"), go(say.label("🔌 Upstream shops"), "ups")],
            [go(say.label("🧭 Which source first"), "routing"), go(say.label("🤝 Commitments"), "commits")],
            [button(say.label("🛠 To be done by hand"), callbacks.Tasks())],
            [go(say.label("📜 Contracts"), "contracts"), go(say.label("💸 Payouts"), "payouts")],
            [go(say.label("🔐 Deposits"), "deposits"), go(say.label("📜 Certificates"), "certs")],
            [go(say.label("🔎 Wanted"), "wanted")],
            [go(say.label("⚖️ Complaints"), "takedowns"), go(say.label("🛑 Switches"), "switches")],
            [go(say.label("🚫 Words and brands"), "words"), go(say.label("📋 Blacklist"), "blacklist")],
            [desk.home()],
        ],
    )
