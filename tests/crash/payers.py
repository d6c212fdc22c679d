"""People of the stories of mixed payments: buyers who pay by every way and in every wrong way, and an admin who decides and refunds."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal

from core import inventory
from core.database import Keyring, Shop
from handlers import callbacks
from handlers.admin.desk import Do, Go
from handlers.callbacks import means
from sandbox import Sandbox
from sandbox.phone import PhoneRefused, find_button
from tests.crash.books import issued
from tests.crash.scene import SPEC, Buyer, Json, codes_in, order_of
from tests.crash.tills import Tills
from tests.sandbox.pictures import png

WAYS = {
    "wallet": "Pay ¥",
    "stars": "Pay with Stars",
    "epay-alipay": "🔵 Alipay",
    "epay-wxpay": "🟢 WeChat Pay",
    "crypto-pay": "💎 Crypto",
    "stripe": "💳 Card",
    "transfer": "🏦 Bank transfer",
}
OFTEN = (2, 2, 3, 3, 4, 4, 3)
DEPOSITS_MINOR = (2000, 5000, 9999, 20_001)
PATIENCE_SECONDS = 5.0  # A slow machine is waited for, and a killed shop comes back within it.
ASKED = re.compile(r"Please pay ¥([\d,]+\.\d\d)")
RECEIPT = f"{Do.__prefix__}:pay-yes:"
SHARES = (Decimal("0.5"), Decimal("0.99"), Decimal("1.01"), Decimal("2"))


@dataclass
class Deeds:
    """What people did, so that a story in which nothing happened is seen."""

    done: dict[str, int] = field(default_factory=dict)

    def __call__(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1


@dataclass
class Person:
    """A buyer's phone and what it takes to press a button that another screen of this chat had."""

    buyer: Buyer
    telegram: Sandbox
    chance: random.Random
    deeds: Deeds

    def forge(self, message: Json, data: str) -> None:
        """Press a button with this data under one's own message, as one that is older than the screen would be."""
        world = self.telegram.world
        phone = world.phones[self.buyer.phone.phone_id]
        content = {"chat_instance": str(phone.user_id * 31 + 7), "data": data, "message": self.buyer.shown[message["message_id"]]}
        world.ask("callback_query", world.bots[SPEC.username], phone, content, world.patience.callback).given_up = True

    async def presses(self, message: Json, label: str) -> None:
        """Once; nothing comes of it when the screen has changed meanwhile."""
        with suppress(PhoneRefused, LookupError):
            await self.buyer.phone.presses((message, label), wait_seconds=0)

    def now(self, number: int) -> Json:
        return self.buyer.shown[number]

    async def asks(self, text: str) -> Json | None:
        """Says something, and gives the first message of the bot after it that has buttons."""
        said = await self.buyer.phone.says(text)
        return await self.comes(said["message_id"], "")

    async def comes(self, after: int, words: str, *, button: str = "", seconds: float = PATIENCE_SECONDS) -> Json | None:
        """A message after that one with these words and this button, once it is there; never the one that hands over codes."""

        def found() -> Json | None:
            for number, message in self.buyer.shown.items():
                theirs = number > after and message["from"].get("is_bot") and not codes_in(message)
                if theirs and words in message.get("text", "") and (not button or find_button(message, button) is not None):
                    return message
            return None

        return await self.buyer.until(found, seconds)

    async def turns(self, number: int, words: tuple[str, ...], seconds: float = PATIENCE_SECONDS) -> Json | None:
        """The message when it says one of these."""

        def turned() -> Json | None:
            text = self.now(number).get("text", "")
            return self.now(number) if any(word in text for word in words) else None

        return await self.buyer.until(turned, seconds)


@dataclass
class Payer(Person):
    """Somebody who buys one after the other, by all ways there are."""

    tills: Tills
    slug: str
    url: str
    keys: Keyring

    async def goes_paying(self, closing: asyncio.Event) -> None:
        """Until the shop is about to close; whoever has begun to send a receipt goes on until somebody has taken it."""
        while not closing.is_set():
            what = self.chance.random()
            if what < 0.78:
                await self.buys()
            elif what < 0.9:
                await self.tops_up()
            else:
                await self.complains()
            await asyncio.sleep(self.chance.uniform(0.1, 0.8))

    async def buys(self) -> None:
        screen = await self.buyer.opens(self.slug, PATIENCE_SECONDS)
        if screen is None:
            return
        number = screen["message_id"]
        if self.chance.random() < 0.25:
            await self.presses(screen, "2")
            await self.buyer.sees_another(screen, PATIENCE_SECONDS)
        (way,) = self.chance.choices(list(WAYS), OFTEN)
        for _ in range(4):
            await self.presses(self.now(number), WAYS[way])
            if way == "wallet":
                if await self.turns(number, ("✅ Paid", "more is needed")) is not None:
                    self.deeds("bought from the wallet")
                    return
            elif way == "stars":
                if await self.pays_stars(number):
                    return
            elif await self.turns(number, ("Please pay",)) is not None:
                await self.pays_at_the_till(number)
                return

    async def pays_stars(self, number: int) -> bool:
        """True when there was an invoice; it is paid at times late, at times once more, and its report may be lost."""

        def invoice() -> Json | None:
            return next((m for n, m in self.buyer.shown.items() if n > number and "invoice" in m), None)

        found = await self.buyer.until(invoice, PATIENCE_SECONDS)
        if found is None:
            return False
        for _ in range(3):
            with suppress(PhoneRefused):
                paid = await self.buyer.phone.pays(found, skip_success=self.chance.random() < 0.15)
                if paid["paid"]:
                    self.deeds("paid by Stars")
                    if self.chance.random() < 0.15:
                        await self.buyer.phone.pays(found)
                    break
        return True

    async def tops_up(self) -> None:
        """Money into the wallet by a gateway."""
        anchor = await self.asks("/balance")
        if anchor is None:
            return
        name = self.chance.choice(["epay-alipay", "crypto-pay", "stripe", "transfer"])
        self.forge(anchor, callbacks.TopUpBy(worth=self.chance.choice(DEPOSITS_MINOR), means=means(name)).pack())
        asked = await self.comes(anchor["message_id"], "Please pay", seconds=2 * PATIENCE_SECONDS)
        if asked is not None:
            self.deeds("topped up")
            await self.pays_at_the_till(asked["message_id"])

    async def pays_at_the_till(self, number: int) -> None:
        """What is done with a link: most pay it; others pay too much, too little, late, twice, never, or cancel and pay then."""
        screen = self.now(number)
        buttons = [button for row in screen["reply_markup"]["inline_keyboard"] for button in row]
        if find_button(screen, "📎") is not None:
            await self.sends_money(number, buttons)
            return
        url = next((button["url"] for button in buttons if "url" in button), None)
        if url is None:
            return  # It was over before it was looked at.
        gateway, payment = self.tills.at(url)
        fate = self.chance.random()
        if fate < 0.06:
            self.deeds("never paid")
        elif fate < 0.16:
            self.tills.late.append((gateway, payment.number))
            self.deeds("paid late")
        elif fate < 0.26:
            await self.tills.pays(gateway, payment, share=self.chance.choice(SHARES))
            self.deeds("paid another amount")
        elif fate < 0.36:
            await self.presses(screen, "✖️ Cancel this order")
            await self.turns(number, ("cancelled",))
            await self.tills.pays(gateway, payment)
            self.deeds("cancelled and paid")
        else:
            await self.tills.pays(gateway, payment)
            self.deeds(f"paid by {gateway.brand}")
            if gateway is self.tills.crypto and self.chance.random() < 0.3:
                await self.tills.pays_twice(payment)
                self.deeds("paid twice")
            if self.chance.random() < 0.3:
                await self.presses(self.now(number), "🔄 I have paid")

    async def sends_money(self, number: int, buttons: list[Json]) -> None:
        """Send money to the bank (two of three do), and a receipt; the honest go on until somebody has taken it."""
        screen = self.now(number)
        [data] = [button["callback_data"] for button in buttons if button["text"].startswith("📎")]
        asked = ASKED.search(screen["text"])
        assert asked is not None, screen["text"]
        intent, honest = callbacks.Receipt.unpack(data).id, self.chance.random() < 0.7
        if honest:
            self.tills.bank[intent] = int(asked[1].replace(",", "").replace(".", ""))
        for _ in range(30):
            after = max(self.buyer.shown)
            self.forge(screen, data)
            if await self.comes(after, "picture of the receipt") is not None:
                await self.buyer.phone.sends_file("receipt.png", png(), kind="photo")
                if await self.comes(after, "A person looks at it") is not None:
                    self.deeds("sent a receipt")
                    return
            if await self.comes(after, "can no longer be paid", seconds=0.1) is not None:
                if intent not in self.tills.confirmed:
                    self.tills.bank.pop(intent, None)  # Nobody has said that it is there: the bank gives it back to who sent it.
                return
            if not honest:
                return
        raise AssertionError("thirty receipts, and nobody took one")

    async def complains(self) -> None:
        """Something is wrong with a code of one's own."""
        mine = [order_of(message) for message in self.buyer.shown.values() if codes_in(message)]
        anchor = await self.asks("/orders") if mine else None
        if anchor is None:
            return
        order = self.chance.choice(mine)
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            codes = await reading.read(inventory.codes_of, order)
        finally:
            await reading.close()
        if codes:
            which, _ = self.chance.choice(codes)
            self.forge(anchor, callbacks.Complain(order=order, which=which, reason=self.chance.randrange(4)).pack())
            self.deeds("complained")


@dataclass
class Staff(Person):
    """An admin: looks into the bank before saying that money is there, decides every case, and refunds now and then."""

    tills: Tills
    url: str
    keys: Keyring
    decided: set[int] = field(default_factory=set)  # messages; a receipt's buttons stay, for money that is found after all

    async def works(self, closing: asyncio.Event) -> None:
        """Until the shop is about to close and nothing is left to decide."""
        while not closing.is_set():
            await self.decides()
            if self.chance.random() < 0.5:
                await self.refunds()
            await asyncio.sleep(0.2)

    def waiting(self) -> dict[int, str]:
        """Receipts and complaints that nobody has answered: the message of each, and the data of its first telling button."""
        found: dict[int, str] = {}
        for number, message in self.buyer.shown.items():
            rows = message.get("reply_markup", {}).get("inline_keyboard", [])
            telling = [data for row in rows for button in row if (data := button.get("callback_data", "")).startswith(RECEIPT)]
            if number not in self.decided and (telling or "complains about a code" in message.get("text", "")):
                found[number] = telling[0] if telling else ""
        return found

    async def decides(self) -> int:
        """Everything that can be decided, each by one press; returns how much waited."""
        waiting = self.waiting()
        for number, data in waiting.items():
            message = self.now(number)
            if data:
                intent = Do.unpack(data).id
                if intent in self.tills.bank:
                    self.tills.confirmed.add(intent)
                    await self.presses(message, "✅ The money is there")
                else:
                    await self.presses(message, "✖️ There is no money")
                self.deeds("looked into the bank")
            else:
                case = re.search(r"case (\d+)", message["text"])
                assert case is not None, message["text"]
                act, arg = self.chance.choice([("case-replace", ""), ("case-refund", ""), ("case-refuse", "works")])
                self.forge(message, Do(act=act, id=int(case[1]), arg=arg).pack())
            await self.buyer.sees_another(message, PATIENCE_SECONDS)
            if self.now(number) != message:
                self.decided.add(number)
                self.deeds("decided")
        return len(waiting)

    async def refunds(self) -> None:
        """Money of some order back, to the balance or to where it was paid from, all of it or one code's."""
        reading = await Shop.open_to_read(self.url, self.keys)
        try:
            orders = await reading.read(issued)
            order = self.chance.choice(orders) if orders else 0
            codes = await reading.read(inventory.codes_of, order)
        finally:
            await reading.close()
        if not codes:
            return
        to = self.chance.choice(["wallet", "source", "source"])
        which = "all" if self.chance.random() < 0.7 else f"{self.chance.choice(codes)[0]}"
        anchor = await self.asks("/admin")
        if anchor is None:
            return
        self.forge(anchor, Go(to="ask", id=order, arg=f"refund.reason@{to}.{which}").pack())
        if await self.turns(anchor["message_id"], ("Type the reason",)) is None:
            return
        said = await self.buyer.phone.says("It did not work")
        confirm = await self.comes(said["message_id"], "Reason", button="Refund ¥")
        if confirm is not None:
            for _ in range(self.chance.choice([1, 2])):
                await self.presses(self.now(confirm["message_id"]), "Refund ¥")
            await self.buyer.sees_another(confirm, PATIENCE_SECONDS)
            self.deeds(f"refunded to the {to}")
