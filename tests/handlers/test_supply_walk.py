"""The supplier's side in every language: whatever can be pressed is drawn, by our catalogues alone, within Telegram's limits."""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import InlineKeyboardMarkup
from sqlalchemy.orm import Session

import locales
from bot.dispatcher import make_dispatcher
from core import aftersale, catalog, inventory, onboarding, orders, people, settlement, supply
from core.aftersale import Reason
from core.database import Shop, write
from core.onboarding import ApplicationState, PaperField, PaperKind, Verdict
from core.settlement import Missed, PayTo
from core.storefronts import Storefront
from core.supply import SourceClass, Standing, Stop
from core.supply.stops import stop
from handlers import callbacks
from handlers.supply import buttons
from handlers.supply.desk import Make, See
from handlers.supply.earnings import Earn
from locales import Speech, languages
from locales.check import read_catalogue
from tests.core.joining import FINE, decides, fills_in, staff
from tests.core.sending import sends
from tests.core.supplies import released
from tests.handlers.recorder import Person, breakages, recording_bot
from tests.stage import Clock, Goods, person, put_on_sale, stock
from tests.supplying import supplied

ME = 70_070
# What people and the shop have typed; in the tests' own words. Abbreviations that every language has as they are.
FACTS = {"Test", "shop", "test", "Person", "CNY", "USD", "USDT", "Steam", "https"}
WORD = re.compile(r"(?<![\w@/.<&#-])[A-Za-z]{3,}(?![\w@])")
_JOINING = [kind for kind in vars(buttons).values() if isinstance(kind, type) and kind.__module__ == buttons.__name__]
OURS = {getattr(kind, "__prefix__", "") for kind in (See, Make, Earn, callbacks.Task, callbacks.Tasks, *_JOINING)}
TIMES = {"sup$:png": 1, "spg:newp": 3}  # A picture takes its time; of three products one is not offered yet.
# Every screen of a supplier, as the first two parts of the buttons that lead there.
HOME = {
    *(f"spg:{to}" for to in ("home", "cases", "how", "offers", "offer", "new", "newc", "newp", "news", "newk", "newd", "cost", "declare")),
    *(f"spg:{to}" for to in ("back", "pause", "batches", "bring", "upload")),
    *(f"spd:{act}" for act in ("pause", "resume", "link")),
    *(f"sup$:{to}" for to in ("days", "png", "csv", "ask", "payouts", "came", "where", "type", "wanted", "all")),
    "suf",
    "sug",
    "suh",
    "suk",
    *("sul", "sum", "sun", "suo", "suq", "sur", "sus"),  # another paper: from its kind to taking it back
}
JOINING = {"su2", "su3", "su4", "su5", "su6", "su7", "su8", "su9", "sua", "sub", "sue"}


@pytest.fixture
def database() -> str:
    """What is on a screen does not depend on the database."""
    return "sqlite"


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> dict[str | tuple[str, str], str]:
    """Every sentence that was said, and what it was in the reader's language."""
    found: dict[str | tuple[str, str], str] = {}
    one, several = Speech._sentence, Speech._counted

    def sentence(self: Speech, msgid: str) -> str:
        found[msgid] = one(self, msgid)
        return found[msgid]

    def counted(self: Speech, singular: str, plural: str, n: int) -> str:
        said = several(self, singular, plural, n)
        found[singular, plural] = f"{found.get((singular, plural), '')} {said}"
        return said

    monkeypatch.setattr(Speech, "_sentence", sentence)
    monkeypatch.setattr(Speech, "_counted", counted)
    return found


class Walker:
    """Somebody who presses every kind of button that is of a supplier's, in one language, and keeps what they were shown."""

    def __init__(self, shop: Shop, storefront: Storefront, language: str) -> None:
        self.bot, self.said = recording_bot()
        self.dispatcher = make_dispatcher(shop, storefront, {})
        self.dispatcher["upload_address"] = "https://shop.example"
        self.dispatcher["payout_coins"] = {"CNY": "USDT"}
        self.broken = breakages(self.dispatcher)
        self.me = Person(self.dispatcher, self.bot, ME, language)
        self.texts: list[str] = []
        self.waiting: deque[str] = deque()
        self.pressed: Counter[str] = Counter()
        self.left: list[str] = []  # seen, and not pressed by the walk

    def takes(self) -> None:
        """What came since; Telegram's limits are checked as it came."""
        for call in self.said.taken():
            markup = getattr(call, "reply_markup", None)
            for row in markup.inline_keyboard if isinstance(markup, InlineKeyboardMarkup) else []:
                for one in row:
                    self.texts.append(one.text)
                    if one.callback_data:
                        self.waiting.append(one.callback_data)
            said = [getattr(call, name, None) for name in ("text", "caption")]
            self.texts += [re.sub(r"<[^>]*>", "", one) for one in said if isinstance(one, str)]
        if self.broken:
            raise self.broken[0]

    async def says(self, text: str) -> None:
        await self.me.says(text)
        self.takes()

    async def presses(self, data: str) -> None:
        await self.me.presses(data)
        self.takes()

    async def walks(self, left_out: Callable[[str], bool] = lambda _: False, times: int = 2) -> None:
        """Press what there is to press, each kind of button so many times, and type nonsense after it."""
        while self.waiting:
            data = self.waiting.popleft()
            kind = kind_of(data)
            if left_out(data):
                self.left.append(data)
                continue
            if data.partition(":")[0] not in OURS or self.pressed[kind] >= TIMES.get(kind, times):
                continue
            self.pressed[kind] += 1
            await self.presses(data)
            if kind != "spg:upload":  # There it would be a code.
                await self.says("??")


def kind_of(data: str) -> str:
    """Which screen a button leads to, whatever it is about."""
    prefix, _, rest = data.partition(":")
    return f"{prefix}:{rest.partition(':')[0]}" if prefix in ("spg", "spd", "sup$") else prefix


def english_left(texts: list[str], spoken: dict[str | tuple[str, str], str]) -> set[str]:
    """Words of Latin letters that stand in no sentence of the catalogue and are nobody's name."""
    known = FACTS | {word for said in spoken.values() for word in re.findall(r"[A-Za-z]{3,}", said)}
    return {word for text in texts for word in WORD.findall(text)} - known


def forgotten(language: str, spoken: dict[str | tuple[str, str], str]) -> list[str | tuple[str, str]]:
    """Sentences of the catalogue that were said in English all the same; what it does not have yet is told by its own check."""
    path = next(path for path in Path(locales.__file__).parent.glob("*/LC_MESSAGES/messages.po") if tongue(path) == language)
    there = read_catalogue(path)
    in_english = [msgid for msgid, said in spoken.items() if isinstance(msgid, str) and said == msgid]
    return [msgid for msgid in in_english if _translated(there, msgid) not in (None, "", msgid)]


def _translated(there: Any, msgid: str) -> str | None:
    message = there.get(msgid)
    return None if message is None else str(message.string)


def tongue(path: Path) -> str:
    return path.parts[-3].replace("_", "-").lower()


@write
def stopped_for_every_reason(session: Session, offer_id: int) -> None:
    for why in Stop:
        stop(session, offer_ids=[offer_id], why=why, by="test")


async def goods_of(shop: Shop, storefront: Storefront, category_id: int, name: str) -> Goods:
    return await put_on_sale(shop, storefront, name=name, denomination=f"{name} 50", price_minor=9500, count=0, category_id=category_id)


async def a_busy_supplier(shop: Shop, storefront: Storefront, clock: Clock) -> None:
    """Two offers, one that cannot sell for any reason there is; sales, money in every state, a case, papers good and bad."""
    cards = await shop.write(catalog.add_category, slug="cards", name="点卡")
    goods = [await goods_of(shop, storefront, cards, name) for name in ("甲", "乙", "丙")]
    mine = await supplied(shop, storefront, ME, name="林记", goods=goods[0], standing=Standing.AUTHORISED, papered=False)
    papers: dict[str, Any] = {"supplier_id": mine.supplier_id, "storefront_id": storefront.id, "by": "test"}
    paper = await shop.write(onboarding.add_document, kind=PaperKind.PURCHASE, scope="货源", **papers)
    await shop.write(
        onboarding.add_document, kind=PaperKind.AUTHORISATION, scope="授权", expires_on=(clock() + timedelta(days=3)).date(), **papers
    )
    await shop.write(onboarding.add_document, kind=PaperKind.OTHER, scope="许可", **papers)
    facts: dict[str, Any] = {"supplier_id": mine.supplier_id, "cost_currency": "CNY", "document_id": paper, "by": "test"}
    other = await shop.write(supply.new_offer, sku_id=goods[1].sku_id, cost_minor=100, source_class=SourceClass.AUTHORISED, **facts)
    await stock(shop, mine.offer_id, goods[0].sku_id, 30)
    await stock(shop, other.id, goods[1].sku_id, 3)
    own: dict[str, Any] = {"telegram_id": ME, "by": f"telegram:{ME}"}
    me = await shop.read(people.find, storefront_id=storefront.id, telegram_id=ME)
    assert me is not None
    await shop.write(supply.take_stock_back, offer_id=mine.offer_id, customer_id=me.id, quantity=2, **own)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=12, once="old", **goods[0].terms())
    await released(shop, clock, days=21)
    by: dict[str, Any] = {"supplier_id": mine.supplier_id, "storefront_id": storefront.id, "by": f"telegram:{ME}"}
    await shop.write(settlement.set_address, to=PayTo.WORDS, words="工行 6217 0000 0000 0000", **by)
    clock.passes(days=2)
    for n in range(2):
        paid = await shop.write(settlement.ask_payout, currency="CNY", amount_minor=10_000, **by)
        if n == 0:
            await shop.write(settlement.approve_payout, payout_id=paid.id, by="telegram:7001")
            await shop.write(settlement.sent_by_hand, payout_id=paid.id, reference="流水 1", by="telegram:7001")
    # One paper waits for the shop; of another everything is said but until when it is valid.
    await sends(shop, mine.supplier_id, me, scope="收据", group_id=None)
    draft = await shop.write(onboarding.begin_another, supplier_id=mine.supplier_id, customer_id=me.id)
    about: dict[str, Any] = {"paper_id": draft, "customer_id": me.id}
    for field, text in ((PaperField.KIND, PaperKind.AUTHORISATION.value), (PaperField.SCOPE, "授权二")):
        await shop.write(onboarding.say_of_another, field=field, text=text, **about)
    await shop.write(onboarding.keep_file, file_id="file", file_unique_id="file", file_kind="photo", **about)
    receipt = await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="today", **goods[0].terms())
    [(code_id, _), *_] = await shop.read(inventory.codes_of, receipt.order_id)
    await shop.write(orders.reveal, order_id=receipt.order_id, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=receipt.order_id, code_id=code_id, reason=Reason.USED, text="已使用")
    await shop.write(stopped_for_every_reason, other.id)
    noted = [Missed(buyer.id, sku_id=goods[2].sku_id, units=7), *(Missed(n, "稀有卡") for n in (1, 2, 3))]
    await shop.write(settlement.count_missed, storefront_id=storefront.id, missed=noted)


@pytest.mark.parametrize("language", languages())
async def test_every_screen_of_a_supplier_is_drawn_in_every_language(
    shop: Shop, storefront: Storefront, clock: Clock, language: str, spoken: dict[str | tuple[str, str], str]
) -> None:
    me = await person(shop, storefront, ME)
    await shop.write(people.choose_language, customer_id=me.id, language=language)
    await a_busy_supplier(shop, storefront, clock)
    walker = Walker(shop, storefront, language)
    spoken.clear()
    for text in ("/supply", "/earnings"):
        await walker.says(text)
    await walker.walks()
    # The paper that had been begun is sent by now: the next one begins with what it is.
    [mine] = await shop.read(supply.suppliers_of, ME)
    await walker.presses(buttons.AnotherPaper(supplier=mine.id).pack())
    await walker.walks()
    # What is of others, or of nobody, is refused in the reader's words, too.
    no = 10**6
    for data in (See(to="offer", id=no), Make(act="pause", id=no), Earn(to="days", supplier=no), buttons.Documents(supplier=no)):
        await walker.presses(data.pack())

    assert set(walker.pressed) >= HOME, sorted(HOME - set(walker.pressed))
    assert len(walker.texts) > 300
    if language != "en":
        assert english_left(walker.texts, spoken) == set()
        assert forgotten(language, spoken) == []


@pytest.mark.parametrize("language", languages())
async def test_every_step_of_joining_is_drawn_in_every_language(
    shop: Shop, storefront: Storefront, language: str, spoken: dict[str | tuple[str, str], str]
) -> None:
    [reviewer] = await staff(shop, storefront, 7001)
    me = await person(shop, storefront, ME)
    await shop.write(people.choose_language, customer_id=me.id, language=language)
    walker = Walker(shop, storefront, language)
    spoken.clear()
    own: dict[str, Any] = {"name": "林记卡行", "contact": "@lin_1", "goods": "点卡五十元", "country": "CN"}

    def leaves(data: str) -> bool:
        # Sent, taken away, or withdrawn for good: by hand, when the rest was looked at.
        return data.startswith(("sud:", "suc:")) or (data.startswith("sue:") and data.endswith(":1"))

    await walker.says("/supply")
    await walker.presses(next(data for data in walker.waiting if data.startswith("su1:")))
    await walker.walks(leaves, times=3)
    await walker.says("/supply")
    await walker.walks(leaves)
    seen = set(walker.pressed)
    draft = await shop.read(onboarding.application_of, ME, storefront_id=storefront.id)
    assert draft is not None
    await walker.presses(buttons.Withdraw(id=draft.id, version=draft.version, sure=True).pack())
    filled = await fills_in(shop, me, papers=(*FINE, PaperKind.OTHER), **own)
    for step in ("draft", "sent", "sent back", "refused"):
        if step == "sent back":
            await decides(shop, reviewer, filled, Verdict.SEND_BACK)
        if step == "refused":
            await shop.write(onboarding.send, application_id=filled, customer_id=me.id, version=1, group_id=None)
            await decides(shop, reviewer, filled, Verdict.REFUSE, version=2, why="not-confirmed")
        walker.waiting.clear()
        walker.pressed.clear()
        await walker.says("/supply")
        await walker.walks(leaves)
        seen |= set(walker.pressed)
        if step == "draft":
            papers = sorted((data for data in walker.left if data.startswith("suc:")), key=lambda data: int(data.partition(":")[2]))
            for data in (papers[-1], next(data for data in walker.left if data.startswith("sud:"))):
                await walker.presses(data)
            found = await shop.read(onboarding.application, filled)
            assert found is not None and (found.state, len(found.papers)) == (ApplicationState.SENT, 2)
    assert seen >= JOINING, sorted(JOINING - seen)
    if language != "en":
        assert english_left(walker.texts, spoken) == set()
        assert forgotten(language, spoken) == []
