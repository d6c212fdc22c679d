"""A delivery as a file: who brought it, on which paper, and what became of each code; and no code in it."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import pytest
from aiogram.methods import SendDocument
from aiogram.types import BufferedInputFile

from core import aftersale, inventory, journal, orders, supply
from core.aftersale import Reason
from core.database import Shop
from core.inventory import Secret
from core.storefronts import Storefront
from handlers.admin import batch_file
from handlers.admin.desk import Do, Go
from tests.admin.direct import Chatter, at_the_desk
from tests.core.listings import listed, paper
from tests.stage import Goods, person, put_on_sale

SECRETS = [Secret(f"NUMBER-{n}", f"PASSWORD-{n}") for n in range(7)]


def table(packed: bytes, name: str) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return list(csv.reader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))


async def exported(desk: Chatter, batch_id: int) -> bytes:
    await desk.presses(Do(act="batchfile", id=batch_id))
    [sent] = [call for call in desk.session.calls if isinstance(call, SendDocument)]
    assert isinstance(sent.document, BufferedInputFile) and sent.document.filename == f"delivery-{batch_id}.zip"
    return sent.document.data


async def brought(shop: Shop, goods: Goods, secrets: Sequence[Secret], *, by: str = "telegram:4711", document_id: int | None = None) -> int:
    receipt = await inventory.bring_in(
        shop,
        offer_id=goods.offer_id,
        sku_id=goods.sku_id,
        source_name="=codes.txt",
        by=by,
        lines=iter(enumerate(secrets, 1)),
        document_id=document_id,
    )
    return receipt.batch_id


async def test_what_became_of_each_code_is_told_and_no_code(shop: Shop, storefront: Storefront, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_file, "AT_ONCE", 2)  # Page after page.
    goods = await put_on_sale(shop, storefront, count=0)
    batch_id = await brought(shop, goods, SECRETS)
    buyer = await person(shop, storefront, money_minor=1_000_000)
    about = {"buyer_id": buyer.id, **goods.terms()}
    kept, complained, unseen = [(await shop.write(orders.buy, quantity=1, once=f"o{n}", **about)).order_id for n in range(3)]
    await shop.write(orders.reveal, order_id=complained, cause=orders.RevealCause.SENT, to_telegram_id=buyer.telegram_id)
    [code] = await shop.read(orders.codes_sold, complained)
    case = await shop.write(aftersale.open_case, buyer_id=buyer.id, order_id=complained, code_id=code.code_id, reason=Reason.USED)
    await shop.write(aftersale.refund, case_id=case.case_id, storefront_id=storefront.id, by="test")
    await shop.write(orders.refund_codes, order_id=unseen, code_ids=None, reason="second thoughts", by="test", once="back")
    desk = await at_the_desk(shop, storefront)
    await desk.presses(Go(to="batch", id=batch_id))
    assert Do(act="batchfile", id=batch_id).pack() in desk.keyboard()

    packed = await exported(desk, batch_id)

    everything = str(table(packed, "codes.csv") + table(packed, "delivery.csv"))
    assert "NUMBER" not in everything and "PASSWORD" not in everything
    facts = dict(table(packed, "delivery.csv")[1:])
    assert (facts["Delivery"], facts["Brought by"], facts["From"], facts["Paper"]) == (
        str(batch_id),
        "telegram:4711",
        "'=codes.txt",
        "none",
    )
    assert (facts["Codes"], facts["on the shelf"], facts["sold"]) == ("7", "5", "2")
    rows = {row[0]: row for row in table(packed, "codes.csv")[1:]}
    assert sorted(rows, key=int) == [str(n) for n in range(1, 8)]
    assert rows["1"][2:4] == ["sold", orders.number_of(kept)] and rows["1"][4] and rows["1"][6:] == ["", ""]
    assert (
        rows["2"][2] == "refunded, void"
        and "Already used or expired – Refunded" in rows["2"][7]
        and orders.number_of(complained) in rows["2"][6]
    )
    assert rows["3"][2:5] == ["on the shelf", "", ""] and "back on the shelf (second thoughts)" in rows["3"][6]
    assert rows["7"][2:] == ["on the shelf", "", "", "", "", ""]
    [entry] = await shop.read(journal.latest, limit=1)
    assert (entry.did, entry.about_id, entry.after) == ("export-batch", batch_id, {"codes": 7})


async def test_the_paper_is_that_on_which_it_came(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    of, document_id, offer_id = await listed(shop, goods)
    theirs = replace(goods, offer_id=offer_id)
    batch_id = await brought(shop, theirs, SECRETS[:1], document_id=document_id)
    later = await paper(shop, goods, of.id, scope="Another")
    await shop.write(supply.change_offer, offer_id=offer_id, document_id=later, by="test")
    desk = await at_the_desk(shop, storefront)

    facts = dict(table(await exported(desk, batch_id), "delivery.csv")[1:])

    assert facts["Paper"] == f"#{document_id} · Proof of purchase · Steam · no last day" and facts["Supplier"] == of.name


async def test_what_telegram_does_not_take_is_said_and_what_is_gone_is_not_there(shop: Shop, storefront: Storefront) -> None:
    goods = await put_on_sale(shop, storefront, count=0)
    batch_id = await brought(shop, goods, SECRETS[:1])
    desk = await at_the_desk(shop, storefront)
    desk.session.refuses["sendDocument"] = "file is too big"
    assert "Telegram did not take the file" in await desk.presses(Do(act="batchfile", id=batch_id))
    await desk.presses(Do(act="batchfile", id=batch_id + 7))
    assert not any(isinstance(call, SendDocument) for call in desk.session.calls)
