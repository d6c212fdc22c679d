"""A supplier stocks their offers from the phone: a new offer, files of every kind, bad ones, what goes back, what it costs."""

from __future__ import annotations

import asyncio
import gzip
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from openpyxl import Workbook

from core import audit, inventory, journal, orders, supply
from core.database import Shop
from core.onboarding import PaperKind
from core.storefronts import Storefront
from core.supply import Standing, Stop
from handlers.admin import imports_finished
from handlers.admin.sent import DOWNLOAD_BYTES
from handlers.supply.desk import Make, See
from sandbox.phone import Json, labels
from tests.admin.direct import Chatter
from tests.admin.staff import did, hire, walks
from tests.core.listings import paper
from tests.handlers.counter import Buyer, Counter, opened
from tests.stage import put_on_sale, stock
from tests.supplying import Supplied, supplied


@pytest.fixture
async def counter(shop: Shop, storefront: Storefront) -> AsyncIterator[Counter]:
    async with opened(shop, storefront) as running:
        running.dispatcher["upload_address"] = "https://shop.example"
        yield running
        await imports_finished()
    report = await shop.read(audit.audit, sample=3)
    assert report.clean, report.violations


@dataclass
class Lin:
    """A supplier with a phone."""

    buyer: Buyer
    made: Supplied
    counter: Counter

    async def left(self) -> int:
        return (await self.counter.shop.read(inventory.on_shelf, [self.made.offer_id]))[self.made.offer_id]

    async def to_upload(self) -> None:
        await self.buyer.say("/supply")
        await self.buyer.press("Bring codes")
        await self.buyer.press("Steam")

    async def sends(self, name: str, content: bytes) -> Json:
        """Send a file to the offer; gives the receipt."""
        sent = await self.buyer.phone.sends_file(name, content)
        return await self.buyer.phone.waits_for(lambda m: m["message_id"] > sent["message_id"] and "📥 Bring more" in labels(m))


@pytest.fixture
async def lin(counter: Counter) -> Lin:
    buyer = await counter.buyer("supplier")
    return Lin(buyer, await supplied(counter.shop, counter.storefront, buyer.customer.telegram_id), counter)


def workbook(*codes: str) -> bytes:
    book, content = Workbook(), io.BytesIO()
    assert book.active is not None
    for code in codes:
        book.active.append([code])
    book.save(content)
    return content.getvalue()


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.txt", text)
    return content.getvalue()


async def test_a_supplier_brings_codes_in_files_of_every_kind_and_they_are_sold_and_credited(counter: Counter, lin: Lin) -> None:
    files = {
        "codes.txt": b"T-0001\nT-0002\n",
        "codes.csv": b"card_no,card_pwd\n60010001,pw-1\n60010002,pw-2\n",
        "codes.xlsx": workbook("X-0001", "X-0002"),
        "codes.zip": zipped(one="Z-0001\n", two="Z-0002\n"),
        "codes.txt.gz": gzip.compress(b"G-0001\nG-0002\n", mtime=0),
    }
    await lin.to_upload()
    for number, (name, content) in enumerate(files.items(), 1):
        receipt = await lin.sends(name, content)
        assert "2 codes are on sale" in receipt["text"], name
        assert await lin.left() == 2 * number
        await lin.buyer.press("Bring more")
    [batch, *_] = await counter.shop.read(inventory.batches_of, [lin.made.offer_id])
    offer = await counter.shop.read(supply.offer_view, lin.made.offer_id)
    assert offer is not None and batch.document_id == offer.document_id is not None
    assert batch.by == f"telegram:{lin.buyer.customer.telegram_id}"

    payer = await counter.buyer(money_minor=100_000)
    await payer.say("/start")
    await counter.shop.write(orders.buy, buyer_id=payer.customer.id, quantity=3, once="one", **lin.made.goods.terms())
    counter.courier.wake()
    await payer.sees("T-0001")
    home = (await lin.buyer.say("/supply"))["text"]
    assert "7 codes on the shelf" in home and "3 sold today, for ¥255.00" in home, home
    assert "Held ¥255.00" in home


async def test_a_receipt_counts_what_was_refused_and_the_list_shows_no_code(counter: Counter, lin: Lin) -> None:
    [known] = await stock(counter.shop, lin.made.goods.offer_id, lin.made.goods.sku_id, 1)
    await lin.to_upload()

    receipt = (await lin.sends("more.txt", f"NEW-0001\n{known}\nnew 0001\nBAD\x01CODE\nNEW-0002".encode()))["text"]
    document = await lin.buyer.phone.waits_for(lambda m: "document" in m and m["from"]["is_bot"])
    listed = (await lin.buyer.phone.download(document)).decode("utf-8-sig").splitlines()

    assert "2 codes are on sale" in receipt and "1 line could not be read" in receipt
    assert "1 line is in the list twice" in receipt and "1 line holds a code that the shop has or had already" in receipt
    assert listed == [
        "line,reason,ends of the code",
        "Line 4,invisible characters inside,",
        "Line 3,twice in the list,ne••••01",
        f"Line 2,the shop has or had it already,{known[:2]}••••{known[-2:]}",
    ]
    assert known not in receipt + "".join(listed)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_of_a_bad_file_nothing_comes_in_and_the_next_one_is_welcome(lin: Lin) -> None:
    inside = io.BytesIO()
    with zipfile.ZipFile(inside, "w") as archive:
        archive.writestr("inner.zip", zipped(a="A-0001\n"))
    outside = io.BytesIO()
    with zipfile.ZipFile(outside, "w") as archive:
        archive.writestr("../../etc/codes.txt", "A-0001\n")
    bad = [
        ("codes.pdf", b"%PDF-1.7 whatever", "not a list that I can read"),
        ("codes.txt", b"\n\n", "There are no codes in it"),
        ("codes.zip", b"PK\x03\x04 broken", "damaged"),
        ("codes.zip", inside.getvalue(), "an archive inside the archive"),
        ("codes.zip", outside.getvalue(), "a path outside of it"),
    ]
    await lin.to_upload()
    for name, content, says in bad:
        receipt = await lin.sends(name, content)
        assert says in receipt["text"] and await lin.left() == 0
        await lin.buyer.press("Bring more")
    assert "1 code is on sale" in (await lin.sends("codes.txt", b"GOOD-0001"))["text"]


async def test_a_creator_makes_an_offer_in_five_presses_on_the_proof_of_their_works(counter: Counter) -> None:
    goods = await put_on_sale(counter.shop, counter.storefront, count=0)
    buyer = await counter.buyer("supplier")
    made = await counter.shop.write(supply.new_supplier, name="Studio", standing=Standing.CREATOR, telegram_id=buyer.customer.telegram_id)
    works = await paper(counter.shop, goods, made.id, kind=PaperKind.WORKS, scope="Our games")
    await buyer.say("/supply")
    for label in ("New offer", "Game cards", "Steam", "Steam 50"):
        await buyer.press(label)

    assert "is not a cost" in (await buyer.say("cheap"))["text"]
    said = (await buyer.say("85"))["text"]

    assert "Your offer is made" in said and "Cost: ¥85.00 each" in said and "from its creator" in said
    [mine] = await counter.shop.read(supply.suppliers_of, buyer.customer.telegram_id)
    [facts] = await counter.shop.read(supply.offers_with_facts, mine.id)
    assert (facts.sku_id, facts.cost_minor, facts.cost_currency, facts.document_id) == (goods.sku_id, 8500, "CNY", works)
    assert "new-offer" in await did(counter.shop)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_without_an_approved_paper_nothing_is_listed_and_nothing_comes_in(counter: Counter) -> None:
    buyer = await counter.buyer("supplier")
    made = await supplied(counter.shop, counter.storefront, buyer.customer.telegram_id, papered=False, standing=Standing.NEW)
    await put_on_sale(counter.shop, counter.storefront, name="Razer", denomination="Razer 10", count=0, category_id=made.goods.category_id)
    await buyer.say("/supply")
    await buyer.press("Bring codes")
    alert = await buyer.press("Steam")
    assert alert is not None and "no approved paper" in alert["text"]
    for data in (See(to="upload", id=made.offer_id), Make(act="link", id=made.offer_id)):
        said = await counter.press_forged(buyer, data.pack())
        assert said is not None and "no approved paper" in said["text"]

    await buyer.say("/supply")
    for label in ("New offer", "Game cards", "Razer"):
        await buyer.press(label)
    alert = await buyer.press("Razer 10")
    assert alert is not None and "no approved paper" in alert["text"]


async def test_what_is_taken_back_comes_as_one_file_to_who_asked(counter: Counter, lin: Lin) -> None:
    codes = await stock(counter.shop, lin.made.offer_id, lin.made.goods.sku_id, 4)
    await lin.buyer.say("/supply")
    for label in ("Offers", "Steam", "Take codes back"):
        await lin.buyer.press(label)

    assert "from 1 to 10000" in (await lin.buyer.say("many"))["text"]
    assert "3 codes are off the shelf" in (await lin.buyer.say("3"))["text"]
    counter.courier.wake()
    document = await lin.buyer.phone.waits_for(lambda m: "document" in m and m["from"]["is_bot"])

    assert (await lin.buyer.phone.download(document)).decode().split() == codes[1:]
    assert await lin.left() == 1
    for _ in range(200):
        [taken] = await counter.shop.read(inventory.take_backs_of, lin.made.offer_id)
        if taken.handed_at is not None:
            break
        await asyncio.sleep(0.02)
    assert taken.handed_at is not None
    assert "open-taken-back" in await did(counter.shop)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_higher_cost_is_decided_by_the_staff_and_the_supplier_is_told(counter: Counter, lin: Lin) -> None:
    admin = await hire(counter)
    await admin.say("/admin")
    await lin.buyer.say("/supply")
    for label in ("Offers", "Steam", "Change the cost"):
        await lin.buyer.press(label)
    assert "The shop is asked" in (await lin.buyer.say("88"))["text"]
    counter.courier.wake()
    await admin.sees("asks ¥88.00 instead of ¥85.00")
    await admin.press("Agree")
    counter.courier.wake()

    await lin.buyer.sees("The shop agrees: your codes cost ¥88.00")
    assert (await counter.shop.read(supply.offers, [lin.made.offer_id]))[0].cost_minor == 8800
    assert {"wish-cost", "decide-cost-wish"} <= set(await did(counter.shop))
    await walks(admin, "Supply", "Cost wishes")
    assert "No supplier asks" in (await admin.screen())["text"]


@pytest.mark.parametrize("database", ["sqlite"])
async def test_pausing_and_declaring_are_one_question_each(counter: Counter, lin: Lin) -> None:
    await lin.buyer.say("/supply")
    for label in ("Offers", "Steam", "Pause", "Pause"):
        await lin.buyer.press(label)
    assert "It is paused" in (await lin.buyer.screen())["text"]
    assert [one.why for one in await counter.shop.read(supply.stops, [lin.made.offer_id])] == [Stop.PAUSED]
    await lin.buyer.press("Sell again")
    assert "🟢 It sells" in (await lin.buyer.screen())["text"]
    await lin.buyer.press("Declare more")
    assert "Declared besides: 200" in (await lin.buyer.say("２００"))["text"]
    assert {"pause-offer", "resume-offer", "declare"} <= set(await did(counter.shop))


@pytest.mark.parametrize("database", ["sqlite"])
async def test_the_staff_see_who_brought_what_and_void_what_is_unsold(counter: Counter, lin: Lin) -> None:
    await lin.to_upload()
    await lin.sends("codes.txt", b"T-0001\nT-0002\nT-0003")
    admin = await hire(counter)
    await walks(admin, "Stock and codes", "Steam", "Deliveries", "Cards of Lin")
    text = (await admin.screen())["text"]
    assert "Supplier: Cards of Lin" in text and "Brought by" in text and "telegram:" not in text and "On the shelf: 3" in text

    await admin.press("Void what is unsold")
    await admin.press("Void them")

    assert "3 codes are void now" in (await admin.screen())["text"]
    assert await lin.left() == 0
    assert "void-batch" in await did(counter.shop)


@pytest.mark.parametrize("database", ["sqlite"])
async def test_a_link_is_made_in_the_chat_and_shown_to_nobody_else(counter: Counter, lin: Lin) -> None:
    await lin.to_upload()
    await lin.buyer.press("Upload by a link")
    text = (await lin.buyer.screen())["text"]
    assert "https://shop.example/upload/" in text and "up to a million lines" in text
    word = text.partition("/upload/")[2].split()[0]
    assert (await counter.shop.read(inventory.link, word)).offer_id == lin.made.offer_id
    assert not any(word in repr((entry.before, entry.after)) for entry in await counter.shop.read(journal.latest, limit=50))


@pytest.mark.parametrize("database", ["sqlite"])
async def test_forged_and_old_buttons_of_other_peoples_offers_do_nothing(shop: Shop, storefront: Storefront) -> None:
    made = await supplied(shop, storefront, 5001)
    await stock(shop, made.offer_id, made.goods.sku_id, 3)
    stranger = Chatter(shop, storefront, 6001)
    await stranger.says("/start")
    before = await shop.read(inventory.places, [made.offer_id])

    for to in ("home", "offers", "new", "bring", "cases", "how"):
        assert "not yours" in await stranger.presses(See(to=to, id=made.supplier_id)), to
    for to in ("offer", "upload", "cost", "declare", "back", "pause", "batches"):
        assert "not yours" in await stranger.presses(See(to=to, id=made.offer_id)), to
    for act in ("pause", "resume", "link"):
        assert "not yours" in await stranger.presses(Make(act=act, id=made.offer_id)), act
    for arg in ("", ".", "zz.ow", f"{made.supplier_id}.xx", "1.ow.!", "9" * 30):
        for to in ("newc", "newp", "news", "newk", "newd"):
            await stranger.presses(See(to=to, id=1, arg=arg))
    assert "out of date" in await stranger.presses("spg:nowhere:1:0:")
    assert "out of date" in await stranger.presses("spd:what")

    assert await shop.read(inventory.places, [made.offer_id]) == before
    assert await shop.read(supply.stops, [made.offer_id]) == []
    assert [one.handed_at for one in await shop.read(inventory.take_backs_of, made.offer_id)] == []


@pytest.mark.parametrize("database", ["sqlite"])
async def test_who_acts_for_several_chooses_and_who_acts_for_nobody_is_told(shop: Shop, storefront: Storefront) -> None:
    first = await supplied(shop, storefront, 5001, name="First")
    await supplied(shop, storefront, 5001, name="Second", goods=first.goods)
    chatter = Chatter(shop, storefront, 5001)
    assert "Which one" in await chatter.says("/supply")
    assert "First" in await chatter.presses(See(to="home", id=first.supplier_id))
    big = await chatter.presses(See(to="upload", id=first.offer_id))
    assert "up to 20 MB" in big
    assert "up to 20 MB only" in await chatter.sends_document("codes.txt", DOWNLOAD_BYTES + 1)
    assert "As what would you like to apply" in await Chatter(shop, storefront, 6001).says("/supply")
