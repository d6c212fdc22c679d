"""The last days of the shop from the desk of the staff: with the picture where it can be drawn, and in words wherever it cannot."""

from __future__ import annotations

from core import insight, orders
from core.database import Shop
from core.insight import Opened
from handlers import courses
from handlers.admin.desk import Go
from locales import Speech
from papers.drawing import chart_png
from tests.admin.direct import at_the_desk
from tests.stage import Goods, person


async def test_the_staff_see_sales_margin_and_who_paid_of_who_looked(shop: Shop, goods: Goods) -> None:
    buyer, looker = await person(shop, goods.storefront, money_minor=100_000), await person(shop, goods.storefront)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="bought", **goods.terms())
    looked = [Opened(one.id, goods.product_id) for one in (buyer, looker)]
    await shop.write(insight.count_opened, storefront_id=goods.storefront.id, opened=looked, timezone="Asia/Shanghai")
    desk = await at_the_desk(shop, goods.storefront)

    assert "adm:courses:7" in " ".join(desk.keyboard()) or "Today" in await desk.presses(Go(to="today"))
    shown = await desk.presses(Go(to="courses", id=30))
    assert "Sales: <b>¥285.00</b>" in shown and "Of 2 visits 1 paid (50%)" in shown
    assert "The picture cannot be drawn just now." in shown, "nobody draws here"
    assert "Steam" in shown or "What brought most" in shown
    assert "Sales: <b>¥285.00</b>" in await desk.presses(Go(to="courses", id=10**9)), "a forged number of days is a week"


async def test_the_picture_is_drawn_in_every_language_of_empty_and_of_full_days(shop: Shop, goods: Goods) -> None:
    zone, of = "Asia/Shanghai", goods.storefront.id
    empty = await shop.read(insight.course_of_storefront, of, days=90, timezone=zone)
    buyer = await person(shop, goods.storefront, money_minor=100_000)
    await shop.write(orders.buy, buyer_id=buyer.id, quantity=3, once="bought", **goods.terms())
    full = await shop.read(insight.course_of_storefront, of, days=90, timezone=zone)
    for language in ("en", "ru", "zh-hans", "zh-hant"):
        speech = Speech(language, zone)
        for course in (empty, full):
            drawn = courses.chart(course, speech, "Dawn", of_storefront=True)
            assert chart_png(drawn).startswith(b"\x89PNG")
            assert courses.told(course, speech, "Dawn") and courses.spent(course, speech, "Dawn")
            assert bool(drawn.panels[0].bars) == bool(course.orders)
