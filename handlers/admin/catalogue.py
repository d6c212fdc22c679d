"""Categories, products and denominations: walking through them, and changing what a press can change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, fulfilment, pricing, supply
from core.catalog import CategoryView, Gone, ProductView, SkuView
from core.pricing import Price
from handlers.admin.desk import PAGE, Desk, Do, Go, ask, do, go
from handlers.pieces import Row, bold, face_value, lines, paragraphs, plain, region_name, titled
from locales import Safe, Speech, languages, own_name

What = Literal["category", "product", "sku"]
SCREEN: dict[str, str] = {"category": "cat-edit", "product": "prod", "sku": "sku"}
_HIDDEN = "🙈 "


def router() -> Router:
    made = Router(name="admin-catalogue")
    looks = {"cat": shelf, "cat-edit": category, "prod": product, "sku": sku, "langs": tongues, "pick": pick}
    for to, screen in looks.items():
        made.callback_query.register(screen, Go.filter(F.to == to))
    acts = {
        "hide": hide,
        "show": unhide,
        "up": up,
        "down": down,
        "under": put_under,
        "protect": protect,
        "sealed": sealed,
        "hold-product": held,
    }
    for act, change in acts.items():
        made.callback_query.register(change, Do.filter(F.act == act))
    return made


# Looking


async def shelf(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_shelf(press, desk, callback_data.id, callback_data.page)


async def show_shelf(event: Message | CallbackQuery, desk: Desk, category_id: int, page: int = 0) -> None:
    """A category from inside; 0 is the top of the shop."""
    say, here = desk.speech, None
    if category_id:
        here = await desk.shop.read(catalog.category, category_id)
        if here is None:
            raise Gone
    categories = await desk.shop.read(catalog.categories_under, category_id or None, hidden_too=True)
    products = await desk.shop.read(catalog.products_in, category_id, hidden_too=True) if category_id else []
    inside = [go(_marked("📁", c), "cat", c.id) for c in categories] + [go(_marked(p.icon, p), "prod", p.id) for p in products]
    shown = inside[page * PAGE : (page + 1) * PAGE]
    rows: list[Row] = [[entry] for entry in shown]
    rows.append(desk.pages("cat", category_id, page, more=len(inside) > (page + 1) * PAGE))
    add = [ask(say.label("➕ Category"), "category.add", category_id)]
    if here is not None:
        add.append(ask(say.label("➕ Product"), "product.add", category_id))
    rows.append(add)
    if here is None:
        rows.append([desk.home()])
        text = paragraphs(
            bold(say.label("Catalogue")),
            say.say("Choose a category, or add one.") if inside else say.say("The shop is empty. Begin with a category."),
        )
    else:
        rows.append([go(say.label("✏️ Edit this category"), "cat-edit", category_id)])
        rows.append(desk.back("cat", here.parent_id or 0))
        way = await desk.shop.read(catalog.trail, category_id)
        text = paragraphs(
            bold(" › ".join(step.name for step in way)),
            say.say("This category is hidden.") if here.hidden else None,
            None if inside else say.say("There is nothing here yet."),
        )
    await desk.show(event, text, rows)


async def category(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_category(press, desk, callback_data.id)


async def show_category(event: Message | CallbackQuery, desk: Desk, category_id: int) -> None:
    say, here = desk.speech, await desk.shop.read(catalog.category, category_id)
    if here is None:
        raise Gone
    text = lines(
        bold(titled(here.icon, here.name)),
        _other_names(say, here.names),
        say.say("This category is hidden.") if here.hidden else None,
    )
    rows = [
        [ask(say.label("Name"), "category.name", here.id), go(say.label("Other languages"), "langs", here.id, arg="category")],
        [ask(say.label("Icon"), "category.icon", here.id), go(say.label("Move to…"), "pick", here.id, arg="category")],
        _places(say, "category", here),
        desk.back("cat", here.id),
    ]
    await desk.show(event, text, rows)


async def product(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_product(press, desk, callback_data.id, callback_data.page)


async def show_product(event: Message | CallbackQuery, desk: Desk, product_id: int, page: int = 0) -> None:
    say, here = desk.speech, await desk.shop.read(catalog.product, product_id)
    if here is None:
        raise Gone
    skus = await desk.shop.read(catalog.skus_of, [product_id], hidden_too=True)
    prices = await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[s.id for s in skus])
    left = await desk.shop.read(supply.left, [s.id for s in skus], most=1000)
    text = paragraphs(
        lines(
            bold(titled(here.icon, here.name)),
            _other_names(say, {lang: said["name"] for lang, said in here.texts.items() if said.get("name")}),
            say.say("This product is hidden.") if here.hidden else None,
        ),
        say.say("<b>Description:</b> {text}", text=plain(here.description)) if here.description else None,
        say.say("<b>How to redeem:</b> {text}", text=plain(here.redeem)) if here.redeem else None,
        say.say("<b>Keywords:</b> {text}", text=plain(here.keywords, 300)) if here.keywords else None,
        say.many(
            "Sold sealed: the buyer can return it unopened within {n} hour.",
            "Sold sealed: the buyer can return it unopened within {n} hours.",
            here.return_hours,
        )
        if here.sealed
        else None,
        say.say("Held for review: paid with money that can be taken back, it is sent when one of you has released it.")
        if here.held
        else None,
        say.many("Warranty of its own: {n} hour.", "Warranty of its own: {n} hours.", here.warranty_hours) if here.warranty_hours else None,
        None if skus else say.say("It has no denominations yet."),
    )
    rows: list[Row] = []
    for found in skus[page * PAGE : (page + 1) * PAGE]:
        price = prices.get(found.id)
        facts = [
            _marked(None, found),
            say.price(price.retail_minor, price.currency) if price else say.label("no price"),
            say.label("stock {left}", left=say.number(left[found.id])),
        ]
        rows.append([go(" · ".join(facts), "sku", found.id)])
    protect = say.label("🔒 Forwarding is off") if here.protect_content else say.label("🔓 Forwarding is on")
    rows += [
        desk.pages("prod", here.id, page, more=len(skus) > (page + 1) * PAGE),
        [ask(say.label("➕ Denomination"), "sku.add", here.id)],
        [ask(say.label("Name"), "product.name", here.id), go(say.label("Other languages"), "langs", here.id, arg="product")],
        [
            ask(say.label("Description"), "product.description", here.id),
            ask(say.label("How to redeem"), "product.redeem", here.id),
        ],
        [ask(say.label("Icon"), "product.icon", here.id), ask(say.label("Keywords"), "product.keywords", here.id)],
        [
            do(protect, "protect", here.id, arg="0" if here.protect_content else "1"),
            go(say.label("Move to…"), "pick", here.id, arg="product"),
        ],
        [
            do(
                say.label("🔏 Sold sealed") if here.sealed else say.label("✉️ Sold open"),
                "sealed",
                here.id,
                arg="0" if here.sealed else "1",
            ),
            ask(say.label("Time to return"), "product.return", here.id),
        ],
        [go(say.label("🧩 Kind: {kind}", kind=say.label(fulfilment.kind(here.kind).title)), "kind", here.id)],
        [
            ask(say.label("Warranty"), "product.warranty", here.id),
            do(
                say.label("🔎 Held for review") if here.held else say.label("⚡️ Not held for review"),
                "hold-product",
                here.id,
                arg="0" if here.held else "1",
            ),
        ],
        _places(say, "product", here),
        desk.back("cat", here.category_id),
    ]
    await desk.show(event, text, rows)


async def sku(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_sku(press, desk, callback_data.id)


async def show_sku(event: Message | CallbackQuery, desk: Desk, sku_id: int) -> None:
    say, here = desk.speech, await desk.shop.read(catalog.sku, sku_id)
    if here is None:
        raise Gone
    above = await desk.shop.read(catalog.product, here.product_id)
    assert above is not None, "a denomination has a product"
    prices = await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[sku_id])
    offer = await desk.shop.read(supply.cost_of, sku_id)
    left = (await desk.shop.read(supply.left, [sku_id], most=1000))[sku_id]
    price = prices.get(sku_id)
    worth = face_value(here, say)
    text = paragraphs(
        lines(
            bold(f"{above.name} › {here.name}"),
            _other_names(say, here.names),
            say.say("This denomination is hidden.") if here.hidden else None,
            say.say("Its product is hidden.") if above.hidden else None,
        ),
        lines(
            say.say("Price: {price}", price=say.price(price.retail_minor, price.currency))
            if price
            else say.say("It has no price, so nobody can buy it yet."),
            say.say("Wholesale: {price}", price=say.price(price.wholesale_minor, price.currency))
            if price and price.wholesale_minor
            else None,
            *_tiers(say, price),
            say.say("Cost: {cost}", cost=say.price(offer.cost_minor, offer.cost_currency)) if offer else None,
            say.say("In stock: {left}", left=say.number(left)),
            say.say("Low-stock alert at: {level}", level=say.number(here.low_stock_at))
            if here.low_stock_at
            else say.say("Low-stock alert: off"),
        ),
        lines(
            say.say("Face value: {worth}", worth=worth) if worth else None,
            say.say("Redeem region: {region}", region=region_name(here.redeem_region, say)) if here.redeem_region else None,
            say.say("One order: {least} to {most}", least=say.number(here.min_quantity), most=say.number(here.max_quantity)),
            say.say("Each buyer: at most {most}", most=say.number(here.max_per_buyer)) if here.max_per_buyer else None,
        ),
    )
    rows = [
        [
            ask(say.label("💰 Price"), "sku.price", here.id, style=None if price else "primary"),
            go(say.label("📥 Import codes"), "import", here.id, style="primary" if price and not left else None),
        ],
        [ask(say.label("Prices by quantity"), "sku.tiers", here.id), ask(say.label("Wholesale price"), "sku.whole", here.id)]
        if price
        else [],
        [go(say.label("🏷 Offers"), "offers", here.id)],
        [go(say.label("📦 Stock"), "shelf", here.id), ask(say.label("Cost"), "sku.cost", here.id)],
        [ask(say.label("Name"), "sku.name", here.id), go(say.label("Other languages"), "langs", here.id, arg="sku")],
        [ask(say.label("Face value"), "sku.face", here.id), ask(say.label("Redeem region"), "sku.region", here.id)],
        [ask(say.label("Smallest order"), "sku.min", here.id), ask(say.label("Largest order"), "sku.max", here.id)],
        [ask(say.label("Limit per buyer"), "sku.buyer", here.id), ask(say.label("Low-stock alert"), "sku.low", here.id)],
        _places(say, "sku", here),
        desk.back("prod", here.product_id),
    ]
    await desk.show(event, text, rows)


def _tiers(say: Speech, price: Price | None) -> list[Safe]:
    """What larger quantities cost, a line for each."""
    if price is None:
        return []
    return [
        say.say("From {n} on: {price} each", n=say.number(tier.from_quantity), price=say.price(tier.unit_minor, price.currency))
        for tier in price.tiers
    ]


def _marked(icon: str | None, view: CategoryView | ProductView | SkuView) -> str:
    shown = view.icon if not isinstance(view, SkuView) else None
    return (_HIDDEN if view.hidden else "") + titled(shown or icon, view.name)


def _other_names(say: Speech, names: dict[str, str]) -> Safe | None:
    """The names in other languages, in a list."""
    if not names:
        return None
    return say.say("Also: {names}", names=say.listing(f"{name} ({own_name(language)})" for language, name in names.items()))


def _places(say: Speech, what: What, view: CategoryView | ProductView | SkuView) -> Row:
    """Up and down among its neighbours; hide or show."""
    seen = do(say.label("Show"), "show", view.id, arg=what) if view.hidden else do(say.label("Hide"), "hide", view.id, arg=what)
    return [do(say.label("⬆️ Up"), "up", view.id, arg=what), do(say.label("⬇️ Down"), "down", view.id, arg=what), seen]


async def show_thing(event: Message | CallbackQuery, desk: Desk, what: str, id: int) -> None:
    """The screen on which a category, product or denomination is edited."""
    screens: dict[str, Callable[[Message | CallbackQuery, Desk, int], Awaitable[None]]] = {
        "category": show_category,
        "product": show_product,
        "sku": show_sku,
    }
    if what not in screens:
        raise Gone
    await screens[what](event, desk, id)


async def tongues(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Which text to say in which language."""
    say, what = desk.speech, callback_data.arg
    if what not in SCREEN:
        raise Gone
    rows: list[Row] = []
    for language in languages():
        name = own_name(language)
        rows.append([ask(say.label("{language}: name", language=name), f"say.{what}.name", callback_data.id, arg=language)])
        if what == "product":
            rows.append(
                [
                    ask(say.label("description"), "say.product.description", callback_data.id, arg=language),
                    ask(say.label("how to redeem"), "say.product.redeem", callback_data.id, arg=language),
                ]
            )
    rows.append(desk.back(SCREEN[what], callback_data.id))
    await desk.show(press, say.say("What would you like to say in which language? Elsewhere the first text is shown."), rows)


async def pick(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Where to move a category or a product."""
    say, what, page = desk.speech, callback_data.arg, callback_data.page
    if what not in ("category", "product"):
        raise Gone
    places = [(f"{'  ' * depth}{titled(c.icon or '📁', c.name)}", c.id) for depth, c in await desk.shop.read(catalog.tree)]
    if what == "category":
        places = [(say.label("The top of the shop"), 0), *((label, id) for label, id in places if id != callback_data.id)]
    rows = [[do(label, "under", callback_data.id, arg=f"{what}.{place}")] for label, place in places[page * PAGE : (page + 1) * PAGE]]
    rows.append(desk.pages("pick", callback_data.id, page, more=len(places) > (page + 1) * PAGE, arg=what))
    rows.append(desk.back(SCREEN[what], callback_data.id))
    await desk.show(press, say.say("Where should it stand?"), rows)


# Changing


async def hide(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _set_hidden(press, callback_data, desk, hidden=True)


async def unhide(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _set_hidden(press, callback_data, desk, hidden=False)


async def _set_hidden(press: CallbackQuery, callback_data: Do, desk: Desk, *, hidden: bool) -> None:
    what, id = callback_data.arg, callback_data.id
    if what == "category":
        await desk.shop.write(catalog.change_category, id, hidden=hidden, by=desk.by)
    elif what == "product":
        await desk.shop.write(catalog.change_product, id, hidden=hidden, by=desk.by)
    elif what == "sku":
        await desk.shop.write(catalog.change_sku, id, hidden=hidden, by=desk.by)
    await show_thing(press, desk, what, id)


async def up(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _move(press, callback_data, desk, -1)


async def down(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _move(press, callback_data, desk, 1)


async def _move(press: CallbackQuery, callback_data: Do, desk: Desk, by: Literal[-1, 1]) -> None:
    what = callback_data.arg
    if what not in ("category", "product", "sku"):
        raise Gone
    kind: What = "category" if what == "category" else "product" if what == "product" else "sku"
    moved = await desk.shop.write(catalog.move, what=kind, id=callback_data.id, by=by, who=desk.by)
    say = desk.speech
    await press.answer(say.label("Moved.") if moved else say.label("It stands at the end already."))


async def put_under(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    what, _, place = callback_data.arg.partition(".")
    if not (place.isascii() and place.isdigit()) or len(place) > 18:
        raise Gone
    there = int(place) or None
    if there is not None and await desk.shop.read(catalog.category, there) is None:
        raise Gone
    if what == "category":
        await desk.shop.write(catalog.change_category, callback_data.id, parent_id=there, by=desk.by)
    elif what == "product" and there is not None:
        await desk.shop.write(catalog.change_product, callback_data.id, category_id=there, by=desk.by)
    else:
        raise Gone
    await show_thing(press, desk, what, callback_data.id)


async def protect(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Whether what is delivered may be forwarded and copied."""
    await desk.shop.write(catalog.change_product, callback_data.id, protect_content=callback_data.arg == "1", by=desk.by)
    await show_product(press, desk, callback_data.id)


async def sealed(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Whether the codes are sent at once, or when the buyer opens what was bought."""
    await desk.shop.write(catalog.change_product, callback_data.id, sealed=callback_data.arg == "1", by=desk.by)
    await show_product(press, desk, callback_data.id)


async def held(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """Whether an order that is paid with money that can be taken back waits for the staff."""
    await desk.shop.write(catalog.change_product, callback_data.id, held=callback_data.arg == "1", by=desk.by)
    await show_product(press, desk, callback_data.id)
