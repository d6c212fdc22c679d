"""The demo's supply side: two suppliers who have sold for ten days, an applicant who waits, a shop behind the shop, and work by hand."""

from __future__ import annotations

import struct
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.demo.people import PHONES, meet, telegram_id
from bot.demo.resellers import set_up_resellers
from bot.procuring import Procurer
from bot.seed import made_up
from connectors.suppliers import upstream as open_upstream
from core import (
    catalog,
    credit,
    fulfilment,
    integration,
    inventory,
    onboarding,
    orders,
    outbox,
    payments,
    people,
    pricing,
    routing,
    settlement,
    supply,
)
from core.database import Shop, utc_now
from core.money import parse_minor
from core.onboarding import Field, Kind, PaperField, PaperKind
from core.orders import RevealCause
from core.settlement import PayTo, SpreadShare
from core.storefronts import Storefront
from core.supply import Precedence, Promise, SourceClass, Standing

BY = "demo"
SINCE = timedelta(days=10)
LIN = 5_100_000_011  # acts for the other supplier, and has no phone here
BUYER = 5_100_000_012  # bought in the days before
UPSTREAM = "东方卡仓 East Depot"

# What each brings: denomination, cost, codes. Both bring Steam, and the first is the cheaper.
CHAN = (("steam-cn-100", "91.80", 120), ("qb-100", "92.00", 80), ("netease-30", "27.10", 60))
LIN_BRINGS = (("steam-cn-100", "92.40", 60), ("cmcc-100", "96.90", 80))
WHOLESALE = {"steam-cn-100": "95.00", "qb-100": "94.00", "cmcc-100": "97.90", "netease-30": "28.20"}
# Days ago, denomination, how many.
SOLD = (
    (9, "steam-cn-100", 6), (9, "qb-100", 3), (8, "steam-cn-100", 4), (8, "netease-30", 5), (7.5, "cmcc-100", 2), (7.2, "qb-100", 4),
    (5, "steam-cn-100", 5), (4, "netease-30", 2), (3, "steam-cn-100", 3), (2, "qb-100", 2), (1, "steam-cn-100", 4), (1, "cmcc-100", 3),
    (0.1, "steam-cn-100", 2), (0.05, "netease-30", 3),
)  # fmt: skip
# Six days ago, after so many of these sales, this was agreed with the first supplier: so many in thirty days, before all others.
AGREED_AFTER, AGREED = 6, ("qb-100", 30)
# Days ago, words that found nothing or a denomination that was sold out, by how many people.
SOUGHT = ((6, "roblox", 4), (5, "", 2), (3, "spotify", 3), (2, "roblox", 6), (1, "", 3))
SOLD_OUT = "eshop-jp-3000"
TOPUP = {
    "fields": [
        {
            "name": "account",
            "title": "Mobile number",
            "titles": {"zh-hans": "手机号码", "zh-hant": "手機號碼", "ru": "Номер телефона"},
            "pattern": "phone-cn",
        }
    ],
    "promise_hours": 2,
}


class DemoClock:
    """The time at which the demo's past happens: the real one, less what is still to come."""

    def __init__(self) -> None:
        self.back = timedelta()

    def __call__(self) -> datetime:
        return utc_now() - self.back


@dataclass(frozen=True)
class Behind:
    """The shop behind the shop: where it is this time, and how it knows us."""

    url: str
    key: str
    secret: str

    def settings(self) -> dict[str, str]:
        return {"url": self.url, "key": self.key, "secret": self.secret}


async def set_up_supply(shop: Shop, storefront: Storefront, clock: DemoClock, keeps: Callable[[str, bytes, str], str]) -> None:
    """Ten days of supply, as commands would have made them; `keeps` gives a file to the local Telegram and returns its id there."""
    chan = await _supplier(shop, storefront, "志明卡行 Chan's Cards", Standing.TRUSTED, telegram_id("supplier"), "Steam · QQ · 网易", CHAN)
    await shop.write(settlement.agree, supplier_id=chan, terms=SpreadShare(3000), by=BY)
    await _supplier(shop, storefront, "林记数码 Lin Digital", Standing.AUTHORISED, LIN, "Steam · 中国移动", LIN_BRINGS)
    await _prices(shop, storefront)
    await _made_to_order(shop, keeps)
    buyer_id = await _buyer(shop, storefront)
    await _sales(shop, storefront, clock, buyer_id, SOLD[:AGREED_AFTER])
    await _commitment(shop, clock, chan)
    await _sales(shop, storefront, clock, buyer_id, SOLD[AGREED_AFTER:])
    await _sought(shop, storefront, clock)
    await _payout(shop, storefront, clock, chan)
    for customer_id in await shop.read(credit.due):
        await shop.write(credit.work, customer_id=customer_id)
    await _all_read(shop)
    clock.back = timedelta()
    await _application(shop, storefront, keeps)


async def _supplier(
    shop: Shop,
    storefront: Storefront,
    name: str,
    standing: Standing,
    acts: int,
    scope: str,
    brings: Sequence[tuple[str, str, int]],
) -> int:
    made = await shop.write(supply.new_supplier, name=name, standing=standing, telegram_id=acts, country="HK")
    paper = await shop.write(
        onboarding.add_document,
        supplier_id=made.id,
        storefront_id=storefront.id,
        kind=PaperKind.PURCHASE,
        scope=scope,
        by=BY,
        expires_on=(shop.tools.clock() + timedelta(days=200)).date(),
    )
    for slug, cost, count in brings:
        sku = await shop.read(catalog.sku_by_slug, slug)
        assert sku is not None, slug
        listed = await shop.write(
            onboarding.list_offer,
            storefront_id=storefront.id,
            supplier_id=made.id,
            sku_id=sku.id,
            cost_minor=parse_minor(cost, storefront.currency),
            cost_currency=storefront.currency,
            source_class=SourceClass.OWN_STOCK,
            document_id=paper,
            by=f"telegram:{acts}",
        )
        with_password = not slug.startswith("steam")
        codes = enumerate((made_up(f"{acts}:{slug}", n, with_password=with_password) for n in range(count)), 1)
        await inventory.bring_in(
            shop,
            offer_id=listed.offer.id,
            sku_id=sku.id,
            source_name=f"{slug}.txt",
            by=f"telegram:{acts}",
            lines=codes,
            document_id=paper,
        )
    return made.id


async def _prices(shop: Shop, storefront: Storefront) -> None:
    """Wholesale prices, and who buys at them."""
    for slug, wholesale in WHOLESALE.items():
        sku = await shop.read(catalog.sku_by_slug, slug)
        assert sku is not None, slug
        price = (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[sku.id]))[sku.id]
        await shop.write(
            pricing.set_price,
            storefront_id=storefront.id,
            sku_id=sku.id,
            retail_minor=price.retail_minor,
            wholesale_minor=parse_minor(wholesale, storefront.currency),
            currency=storefront.currency,
            tiers=price.tiers,
            by=BY,
        )
    reseller = await meet(shop, storefront, PHONES["reseller"])
    await set_up_resellers(shop, storefront, reseller.id, BY)


async def _made_to_order(shop: Shop, keeps: Callable[[str, bytes, str], str]) -> None:
    """A top-up that the staff do, and a file of which each buyer gets a copy with a number of their own."""
    guide = "选卡指南 / How to choose a card\n\n1. 先看地区。Check the region first.\n2. 再看面值。Then the face value.\n".encode()
    file = {"file_id": keeps("card-guide.txt", guide, "document"), "file_name": "card-guide.txt", "size": len(guide), "watermark": True}
    for slug, kind, terms in (("direct-50", "topup", TOPUP), ("card-guide", "file", file)):
        sku = await shop.read(catalog.sku_by_slug, slug)
        assert sku is not None, slug
        await shop.write(fulfilment.set_kind, sku.product_id, kind_name=kind, terms=terms, by=BY)
        offer, *_ = await shop.read(supply.offer_views, sku_id=sku.id)
        await shop.write(supply.declare, offer_id=offer.id, quantity=supply.AS_MANY_AS_ONE_LIKES)


async def _buyer(shop: Shop, storefront: Storefront) -> int:
    """Who has bought all of it in the days before."""
    buyer = await shop.write(
        people.meet,
        storefront_id=storefront.id,
        telegram_id=BUYER,
        name="李先生",
        username=None,
        telegram_language="zh-hans",
        currency=storefront.currency,
    )
    await shop.write(
        payments.adjust, customer_id=buyer.id, amount_minor=1_000_000, reason="演示", by=BY, once=f"demo-start:{buyer.id}", tell=False
    )
    for slug in {slug for _, slug, _ in SOLD}:
        sku = await shop.read(catalog.sku_by_slug, slug)
        assert sku is not None, slug
        await shop.write(routing.rank, sku_id=sku.id)
    return buyer.id


async def _commitment(shop: Shop, clock: DemoClock, supplier_id: int) -> None:
    """What the shop and a supplier have promised each other."""
    clock.back = timedelta(days=6)
    slug, quantity = AGREED
    sku = await shop.read(catalog.sku_by_slug, slug)
    assert sku is not None, slug
    offer = next(one for one in await shop.read(supply.offer_views, sku_id=sku.id) if one.supplier_id == supplier_id)
    await shop.write(
        supply.commit,
        offer_id=offer.id,
        precedence=Precedence.PRIORITY,
        promised_by=Promise.BOTH,
        quantity=quantity,
        until=clock() + timedelta(days=30),
        by=BY,
    )


async def _sales(shop: Shop, storefront: Storefront, clock: DemoClock, buyer_id: int, sold: Sequence[tuple[float, str, int]]) -> None:
    """What was sold in the days before, each sale when it was."""
    for days_ago, slug, quantity in sold:
        clock.back = timedelta(days=days_ago)
        sku = await shop.read(catalog.sku_by_slug, slug)
        assert sku is not None, slug
        price = (await shop.read(pricing.current, storefront_id=storefront.id, sku_ids=[sku.id]))[sku.id]
        await shop.write(
            orders.buy,
            buyer_id=buyer_id,
            quantity=quantity,
            once=f"demo:{days_ago}:{slug}",
            storefront_id=storefront.id,
            sku_id=sku.id,
            price_id=price.id,
            rules_version=sku.rules_version,
        )


async def _sought(shop: Shop, storefront: Storefront, clock: DemoClock) -> None:
    """What people looked for in vain."""
    sku = await shop.read(catalog.sku_by_slug, SOLD_OUT)
    assert sku is not None, SOLD_OUT
    for days_ago, words, count in SOUGHT:
        clock.back = timedelta(days=days_ago)
        lacked = {"words": words} if words else {"sku_id": sku.id, "units": 2}
        missed = [settlement.Missed(BUYER + n, **lacked) for n in range(count)]
        await shop.write(settlement.count_missed, storefront_id=storefront.id, missed=missed)


async def _payout(shop: Shop, storefront: Storefront, clock: DemoClock, supplier_id: int) -> None:
    """What was held long enough is due, and a part of it was paid."""
    clock.back = timedelta(minutes=40)
    while await shop.write(settlement.settle_now):
        pass
    member = f"telegram:{telegram_id('supplier')}"
    facts = {"supplier_id": supplier_id, "storefront_id": storefront.id}
    await shop.write(settlement.set_address, **facts, to=PayTo.WORDS, words="HSBC Hong Kong, 012-345678-833, Chan Chi Ming", by=member)
    there = await shop.read(settlement.available, supplier_id=supplier_id, currency=storefront.currency)
    asked = await shop.write(settlement.ask_payout, **facts, currency=storefront.currency, by=member, amount_minor=there.minor // 200 * 100)
    for minutes, step in ((30, settlement.approve_payout), (20, settlement.sent_by_hand), (10, settlement.confirm_payout)):
        clock.back = timedelta(minutes=minutes)
        if step is settlement.sent_by_hand:
            await shop.write(settlement.sent_by_hand, payout_id=asked.id, by=BY, reference="HSBC-7781")
        elif step is settlement.approve_payout:
            await shop.write(settlement.approve_payout, payout_id=asked.id, by=BY)
        else:
            await shop.write(settlement.confirm_payout, payout_id=asked.id, supplier_id=supplier_id, by=member)


async def _all_read(shop: Shop) -> None:
    """What the past has posted was read: the first thing anybody sees now is the shop."""
    while leased := await shop.write(outbox.lease, worker=BY, most=100, seconds=60):
        for message in leased:
            if message.order_id is not None:
                await shop.write(
                    orders.hand_over,
                    order_id=message.order_id,
                    cause=RevealCause.SENT,
                    to_telegram_id=(await shop.read(people.by_id, message.customer_id)).telegram_id,
                    buyer_id=message.customer_id,
                )
            await shop.write(outbox.done, message_id=message.id, worker=BY)


async def _application(shop: Shop, storefront: Storefront, keeps: Callable[[str, bytes, str], str]) -> None:
    """Somebody else wants to supply, and waits for the admin."""
    admin = await meet(shop, storefront, PHONES["admin"])
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=[admin.telegram_id])
    applicant = await meet(shop, storefront, PHONES["second"])
    of = {"customer_id": applicant.id}
    application_id = await shop.write(onboarding.begin, kind=Kind.OWN_STOCK, **of)
    said = {
        Field.LEGAL: "person",
        Field.NAME: "Emma Clark",
        Field.CONTACT: "@emma_clark",
        Field.GOODS: "Xbox and PlayStation gift cards of the US and the UK, about 300 a week, bought from the makers' own distributor",
        Field.COUNTRY: "GB",
    }
    for field, text in said.items():
        await shop.write(onboarding.put, application_id=application_id, field=field, text=text, **of)
    papers = (("receipt.png", _picture(480, 320), "photo", PaperKind.PURCHASE, "Xbox · PlayStation", ""),
              ("passport.pdf", _PDF, "document", PaperKind.IDENTITY, "Emma Clark", f"{utc_now().year + 4}-08-31"))  # fmt: skip
    for n, (name, body, kind, what, scope, expires) in enumerate(papers):
        file_id = keeps(name, body, kind)
        paper_id = await shop.write(
            onboarding.add_paper,
            application_id=application_id,
            file_id=file_id,
            file_unique_id="U" + file_id[-15:],
            file_kind=kind,
            once=f"demo-paper-{n}",
            **of,
        )
        for about, text in ((PaperField.KIND, what.value), (PaperField.SCOPE, scope), (PaperField.EXPIRES, expires)):
            await shop.write(onboarding.describe_paper, paper_id=paper_id, field=about, text=text, **of)
    await shop.write(onboarding.send, application_id=application_id, version=0, **of)


# The shop behind the shop


async def connect(shop: Shop, storefront: Storefront, behind: Behind) -> None:
    """It has another address with each start. The first time its goods are linked, too."""
    known = next((one for one in await shop.read(integration.upstreams, storefront_id=storefront.id) if one.name == UPSTREAM), None)
    if known is not None:
        await shop.write(integration.say_settings, upstream_id=known.id, settings=behind.settings(), by=BY)
        return
    made = await shop.write(
        integration.add_upstream, storefront=storefront, protocol="own-shop", name=UPSTREAM, settings=behind.settings(), by=BY
    )
    async with _asked(shop) as procurer:
        await procurer.work_off()
    sku = await shop.read(catalog.sku_by_slug, "roblox-2000")
    assert sku is not None
    for item in await shop.read(integration.items_of, upstream_id=made.id, page=0, size=20):
        if item.key == "roblox-2000":
            await shop.write(integration.link_item, item_id=item.id, sku_id=sku.id, storefront=storefront, by=BY)


@asynccontextmanager
async def _asked(shop: Shop) -> AsyncIterator[Procurer]:
    procurer = Procurer(shop, open_upstream)
    try:
        yield procurer
    finally:
        await procurer.close()


# Papers that anybody can see are none

_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 320 200]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont"
    b"/Helvetica>>>>>>>>endobj\n4 0 obj<</Length 58>>stream\n"
    b"BT /F 18 Tf 40 110 Td (A passport, for the demo only) Tj ET\nendstream endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def _picture(width: int, height: int) -> bytes:
    """A sheet with lines on it, as a receipt looks from afar."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    def row(y: int) -> bytes:
        band, length = divmod(y, 24)[0], width - 80 - (y // 24 * 53) % 180
        inked = band >= 1 and 10 <= y % 24 < 15
        return b"\0" + bytes(70 if inked and 40 <= x < 40 + length else 245 for x in range(width))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    drawn = zlib.compress(b"".join(row(y) for y in range(height)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", drawn) + chunk(b"IEND", b"")
