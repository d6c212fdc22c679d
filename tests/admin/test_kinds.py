"""A product's kind and terms are set by walking and typing; every change is in the action log, and nonsense changes nothing."""

from __future__ import annotations

from core import catalog, fulfilment, supply
from core.catalog import ProductView
from core.database import Shop
from handlers.admin.desk import Do, Go
from tests.admin.direct import at_the_desk
from tests.admin.staff import did
from tests.stage import Goods


async def product(shop: Shop, goods: Goods) -> ProductView:
    found = await shop.read(catalog.product, goods.product_id)
    assert found is not None
    return found


async def test_a_top_up_is_made_of_a_product_question_by_question(shop: Shop, goods: Goods) -> None:
    desk, here = await at_the_desk(shop, goods.storefront), goods.product_id
    await desk.presses(Do(act="kind-set", id=here, arg="topup"))
    assert "short Latin name" in await desk.answers("kind.fadd", here, "what account?")
    await desk.answers("kind.fadd", here, "account = Mobile number")
    await desk.presses(Do(act="kind-fpat", id=here, arg="account.phone-cn"))
    await desk.answers("kind.flang", here, "zh-hans: 手机号", "account")
    await desk.answers("kind.fadd", here, "region = Region")
    await desk.answers("kind.fcho", here, "CN, HK", "region")
    await desk.presses(Do(act="kind-fopt", id=here, arg="region"))
    await desk.answers("kind.num", here, "6", "promise_hours")
    assert "whole number" in await desk.answers("kind.num", here, "a lot", "promise_hours")
    await desk.presses(Do(act="kind-switch", id=here, arg="validate"))
    await desk.answers("kind.land", here, "-US")
    assert "two letters each" in await desk.answers("kind.land", here, "everywhere")
    await desk.presses(Do(act="kind-own", id=here))
    seen = await desk.presses(Go(to="kind-see", id=here))

    now = await product(shop, goods)
    fields = fulfilment.kind(now.kind).fields(now.terms)
    assert [(one.name, one.pattern, one.choices, one.optional) for one in fields] == [
        ("account", "phone-cn", (), False),
        ("region", "free", ("CN", "HK"), True),
    ]
    assert fields[0].title_in("zh-hans") == "手机号"
    assert now.asks and now.terms["validate"] and now.terms["promise_hours"] == 6 and now.terms["countries"] == {"never": ["US"]}
    assert "Mobile number" in seen and "13812345678" in seen and "May be skipped." in seen
    assert (await shop.read(supply.left, [goods.sku_id], most=10**6))[goods.sku_id] >= 10**6
    assert set(await did(shop)) >= {"set-kind", "declare"}
    await desk.presses(Do(act="kind-fdel", id=here, arg="region"))
    assert len(fulfilment.kind(now.kind).fields((await product(shop, goods)).terms)) == 1


async def test_what_cannot_be_a_file_or_a_chat_is_said_and_changes_nothing(shop: Shop, goods: Goods) -> None:
    desk, here = await at_the_desk(shop, goods.storefront), goods.product_id
    await desk.presses(Do(act="kind-set", id=here, arg="file"))
    assert "send the file itself" in await desk.answers("kind.file", here, "book.pdf")
    assert "is missing" in await desk.presses(Go(to="kind", id=here))
    await desk.presses(Do(act="kind-set", id=here, arg="membership"))
    assert "forward a message" in await desk.answers("kind.chat", here, "@club")
    await desk.presses(Do(act="kind-set", id=here, arg="licence"))
    await desk.answers("kind.txt", here, "For one person.", "licence")

    assert (await product(shop, goods)).terms == {"licence": "For one person."}
