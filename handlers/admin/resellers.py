"""Resellers for the staff: levels and their price lists, who is where, contract prices, minimum resale prices and who asks less."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import catalog, pricing, resellers
from core.catalog import Gone
from core.money import NotAnAmount, decimal_text, parse_minor
from core.pricing import DearerThanRetail
from core.resellers import BelowCost, How, LevelView, NoLevel, NoReseller, ResellerView, RuleView, Scope
from handlers.admin.desk import (
    NOTHING,
    PAGE,
    QUESTIONS,
    Asked,
    Asking,
    Desk,
    Do,
    Go,
    NotFound,
    Question,
    ask,
    do,
    go,
    id_in,
    number_between,
)
from handlers.admin.reseller_terms import SURE, NotAnAgreement, agreement_typed, level_typed, rule_typed
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, clipped, full_name, keyboard, lines, paragraphs
from handlers.screen import refused
from locales import N_, Safe, shop_timezone

_LINES = 30  # of a price list on one screen
HOWS = {
    How.FIXED: N_("{price} each"),
    How.OFF_RETAIL: N_("retail −{percent}"),
    How.OVER_COST: N_("cost +{percent}"),
    How.OVER_WHOLESALE: N_("wholesale +{percent}"),
}


async def hub(press: CallbackQuery, desk: Desk) -> None:
    say = desk.speech
    wait = await desk.shop.read(resellers.how_many_apply, storefront_id=desk.storefront.id)
    noted = await desk.shop.read(resellers.how_many_noted, storefront_id=desk.storefront.id)
    await desk.show(
        press,
        paragraphs(bold(say.say("🤝 Resellers")), say.say("Who buys to sell again, at which prices, and for how much they may sell on.")),
        [
            [go(say.label("📋 Applications ({n})", n=say.number(wait)), "rsapps"), go(say.label("👥 Resellers"), "rslist")],
            [go(say.label("🪜 Levels and price lists"), "rslevels"), go(say.label("🏷 Minimum prices"), "rsmin")],
            [go(say.label("💳 Credit"), "credit"), go(say.label("📦 Service packages"), "plans")],
            [go(say.label("🤖 Their own bots"), "ownbots"), go(say.label("⚠️ Sold too cheap ({n})", n=say.number(noted)), "rscuts")],
            [desk.home()],
        ],
    )


# Levels


async def _level(desk: Desk, level_id: int) -> LevelView:
    found = await desk.shop.read(resellers.level, level_id)
    if found is None or found.storefront_id != desk.storefront.id or found.closed:
        raise NoLevel
    return found


def _turnover(one: LevelView, desk: Desk) -> Safe:
    if one.from_turnover_minor is None:
        return desk.speech.say("only given by the staff")
    return desk.speech.say("from {amount} on", amount=desk.speech.price(one.from_turnover_minor, desk.storefront.currency))


async def show_levels(press: CallbackQuery | Message, desk: Desk) -> None:
    say = desk.speech
    found = await desk.shop.read(resellers.levels, storefront_id=desk.storefront.id)
    days = await desk.shop.read(resellers.window_days, storefront_id=desk.storefront.id)
    text = paragraphs(
        bold(say.say("🪜 Levels and price lists")),
        say.say("The best first. Who buys enough rises at once; who buys too little falls after a whole window."),
        lines(
            *[
                say.say("{rank}. {name}: {turnover}", rank=say.number(one.rank), name=bold(one.name), turnover=_turnover(one, desk))
                for one in found
            ]
        )
        if found
        else say.say("There is no level yet: resellers buy at wholesale prices."),
        say.many("Turnover is counted over {n} day.", "Turnover is counted over {n} days.", days),
    )
    rows: list[Row] = [[go(f"{one.rank}. {clipped(one.name, 40)}", "rslevel", one.id)] for one in found]
    rows.append([ask(say.label("➕ New level"), "rs.level"), ask(say.label("📆 Days"), "rs.days")])
    rows.append(desk.back("resellers"))
    await desk.show(press, text, rows)


async def levels_pressed(press: CallbackQuery, desk: Desk) -> None:
    await show_levels(press, desk)


async def level_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_level(press, desk, callback_data.id, page=callback_data.page)


async def show_level(event: CallbackQuery | Message, desk: Desk, level_id: int, said: Safe | None = None, *, page: int = 0) -> None:
    """A level with its price list; each line can be taken out."""
    say, found = desk.speech, await _level(desk, level_id)
    rules = await desk.shop.read(resellers.rules_of, level_id=level_id)
    page = min(page, max(0, (len(rules) - 1) // PAGE))
    part = rules[page * PAGE : (page + 1) * PAGE]
    told = [say.say("{n}. {line}", n=say.number(page * PAGE + n), line=await _rule(desk, one)) for n, one in enumerate(part, 1)]
    text = paragraphs(
        said,
        bold(found.name),
        lines(say.say("Rank: {n}", n=say.number(found.rank)), _turnover(found, desk)),
        lines(say.say("Price list:"), *told) if told else say.say("Its price list is empty: this level pays wholesale prices."),
        say.say("The most specific line wins: denomination, product, category, everything. Nobody pays more than the retail price."),
    )
    rows: list[Row] = []
    numbers = [do(say.label("✖️ {n}", n=say.number(page * PAGE + n)), "rsdrop", one.id) for n, one in enumerate(part, 1)]
    rows += [numbers[n : n + 5] for n in range(0, len(numbers), 5)]
    if pages := desk.pages("rslevel", level_id, page, (page + 1) * PAGE < len(rules)):
        rows.append(pages)
    rows.append([ask(say.label("➕ A line"), "rs.rule", level_id), ask(say.label("✏️ Change the level"), "rs.change", level_id)])
    rows.append([go(say.label("🏷 Its prices now"), "rsprices", level_id), go(say.label("🗑 Close the level"), "rsclose", level_id)])
    rows.append(desk.back("rslevels"))
    await desk.show(event, text, rows)


async def _rule(desk: Desk, one: RuleView) -> Safe:
    say = desk.speech
    price = say.price(one.value, desk.storefront.currency)
    how = say.label(HOWS[one.how], price=price, percent=say.percent(Decimal(one.value) / 10_000))
    what = await _about(desk, one)
    said = say.say("{what}: {how}", what=bold(what), how=how)
    if one.from_quantity > 1:
        said = say.say("{what}, from {n} on: {how}", what=bold(what), n=say.number(one.from_quantity), how=how)
    return lines(said, say.say("⚠️ may be under cost: confirmed")) if one.below_cost_by else said


async def _about(desk: Desk, one: RuleView) -> str:
    """What a line is about, by name and with the word that is typed for it."""
    say = desk.speech
    if one.scope is Scope.CATEGORY:
        category = await desk.shop.read(catalog.category, one.scope_id)
        return f"{category.name} ({category.slug})" if category else "–"
    if one.scope is Scope.PRODUCT:
        product = await desk.shop.read(catalog.product, one.scope_id)
        return f"{product.name} ({product.slug})" if product else "–"
    if one.scope is Scope.SKU:
        sku = await desk.shop.read(catalog.sku, one.scope_id)
        return f"{sku.name} ({sku.slug})" if sku else "–"
    return say.label("everything")


async def prices_of_level(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """What a level pays at this moment, beside what everybody pays."""
    say, found = desk.speech, await _level(desk, callback_data.id)
    here = desk.storefront.id
    rows_ = await desk.shop.read(pricing.of_parties, storefront_id=here, level_id=found.id)
    page = min(callback_data.page, max(0, (len(rows_) - 1) // PAGE))
    part = rows_[page * PAGE : (page + 1) * PAGE]
    own = await desk.shop.read(pricing.current, storefront_id=here, sku_ids=[one.price.sku_id for one in part])
    told: list[Safe] = []
    for one in part:
        usual, price = own.get(one.price.sku_id), one.price
        said = say.say(
            "• {name}: {price}", name=await _named(desk, price.sku_id), price=bold(say.price(price.retail_minor, price.currency))
        )
        if usual is not None:
            said = lines(said, say.say("   all pay {price}", price=say.price(usual.retail_minor, usual.currency)))
            wholesale = usual.wholesale().retail_minor
            if price.retail_minor > wholesale:
                said = lines(said, say.say("   ⚠️ dearer than wholesale, {price}", price=say.price(wholesale, usual.currency)))
        told.append(said)
    text = paragraphs(bold(found.name), lines(*told) if told else say.say("No prices of its own yet. They are worked out within seconds."))
    rows: list[Row] = []
    if pages := desk.pages("rsprices", found.id, page, (page + 1) * PAGE < len(rows_)):
        rows.append(pages)
    rows.append(desk.back("rslevel", found.id))
    await desk.show(press, text, rows)


async def _named(desk: Desk, sku_id: int) -> str:
    sku = await desk.shop.read(catalog.sku, sku_id)
    product = None if sku is None else await desk.shop.read(catalog.product, sku.product_id)
    return clipped(full_name(product, sku, desk.speech), 60) if sku is not None and product is not None else "–"


async def close_asked(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, found = desk.speech, await _level(desk, callback_data.id)
    text = say.say("Close the level {name}? Its prices end now, and its resellers come to the level that they earn.", name=bold(found.name))
    rows: list[Row] = [[do(say.label("🗑 Yes, close it"), "rsclose", found.id, style="danger")], desk.back("rslevel", found.id)]
    await desk.show(press, text, rows)


async def close(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(resellers.close_level, level_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_levels(press, desk)


async def drop(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """A line is taken out of its price list."""
    level_id = await desk.shop.write(resellers.drop_rule, rule_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_level(press, desk, level_id)


async def _ask_level(desk: Desk, asked: Asked) -> Safe:
    example = decimal_text(1_500_000, desk.storefront.currency)
    return desk.speech.say(
        "Type the level's name, its rank (a higher one is better) and the turnover that earns it, for example: <i>Gold; 3; {example}</i>. "
        "With - instead of the turnover, only the staff give it.",
        example=example,
    )


async def _take_level(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    name, rank, turnover = level_typed(text, desk.storefront.currency)
    made = await desk.shop.write(
        resellers.add_level, storefront_id=desk.storefront.id, name=name, rank=rank, from_turnover_minor=turnover, by=desk.by
    )
    await show_level(message, desk, made.id, desk.speech.say("✅ Done."))


async def _take_change(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    name, rank, turnover = level_typed(text, desk.storefront.currency)
    facts = {"level_id": asked.id, "storefront_id": desk.storefront.id, "name": name, "rank": rank}
    await desk.shop.write(resellers.change_level, **facts, from_turnover_minor=turnover, by=desk.by)  # type: ignore[arg-type]
    await show_level(message, desk, asked.id, desk.speech.say("✅ Changed."))


async def _ask_days(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Over how many days is the turnover counted? Type a number from 1 to 366, for example: <i>30</i>")


async def _take_days(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await desk.shop.write(resellers.set_window, storefront_id=desk.storefront.id, days=number_between(text, 1, 366), by=desk.by)
    await show_levels(message, desk)


async def _ask_rule(desk: Desk, asked: Asked) -> Safe:
    found = await _level(desk, asked.id)
    return desk.speech.say(
        "A line for {name}: type what it is about, from how many on, and the price. For example:\n<i>all -5%</i>\n"
        "<i>cards cost+3%</i>\n<i>steam wholesale+1%</i>\n<i>steam-50 from 10 {amount}</i>\n"
        "The words are those of links to categories, products and denominations.",
        name=bold(found.name),
        amount=decimal_text(8800, desk.storefront.currency),
    )


async def _take_rule(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    typed = rule_typed(text, desk.storefront.currency)
    scope, scope_id = await _found(desk, typed.what)
    try:
        await desk.shop.write(
            resellers.set_rule,
            level_id=asked.id,
            storefront_id=desk.storefront.id,
            scope=scope,
            scope_id=scope_id,
            from_quantity=typed.from_quantity,
            how=typed.how,
            value=typed.value,
            below_cost=typed.sure,
            by=desk.by,
        )
    except BelowCost as refusal:
        await _again(desk, message, "rs.rule", asked, refused(desk.speech, refusal))
        return
    await show_level(message, desk, asked.id, desk.speech.say("✅ Done. The prices follow within seconds."))


async def _again(desk: Desk, message: Message, key: str, asked: Asked, why: Safe) -> None:
    """The question once more, with what would make the answer count."""
    await desk.state.set_state(Asking.answer)
    await desk.state.set_data({"question": key, "id": asked.id, "arg": asked.arg})
    mean = desk.speech.say("If you mean it, type it again with {sign} at the end.", sign=SURE)
    await desk.show(message, paragraphs(why, mean), [[desk.cancel(QUESTIONS[key], asked)]])


async def _found(desk: Desk, what: str | None) -> tuple[Scope, int]:
    """What a typed word names; the denomination first. Raises NotFound."""
    if what is None:
        return Scope.ALL, 0
    sku = await desk.shop.read(catalog.sku_by_slug, what)
    if sku is not None:
        return Scope.SKU, sku.id
    skus = await desk.shop.read(catalog.all_skus, hidden_too=True)
    products = await desk.shop.read(catalog.products_of, {one.product_id for one in skus})
    for product in products.values():
        if product.slug == what:
            return Scope.PRODUCT, product.id
    for _, category in await desk.shop.read(catalog.tree):
        if category.slug == what:
            return Scope.CATEGORY, category.id
    raise NotFound(text=what[:40])


async def _sku(desk: Desk, what: str) -> int:
    sku = await desk.shop.read(catalog.sku_by_slug, what)
    if sku is None:
        raise NotFound(text=what[:40])
    return sku.id


# Resellers


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say = desk.speech
    found = await desk.shop.read(resellers.resellers, storefront_id=desk.storefront.id, page=callback_data.page, limit=PAGE + 1)
    rows: list[Row] = []
    for one in found[:PAGE]:
        level = one.level.name if one.level is not None else say.label("wholesale")
        volume = say.price(one.turnover_minor, desk.storefront.currency)
        rows.append([go(f"{clipped(one.name, 24)} · {clipped(level, 16)} · {volume}", "rsone", one.customer_id)])
    if pages := desk.pages("rslist", 0, callback_data.page, len(found) > PAGE):
        rows.append(pages)
    rows.append(desk.back("resellers"))
    text = say.say("Resellers, who bought most lately first:") if found else say.say("Nobody is a reseller yet.")
    await desk.show(press, text, rows)


async def _reseller(desk: Desk, customer_id: int) -> ResellerView:
    found = await desk.shop.read(resellers.reseller, customer_id)
    if found is None or found.storefront_id != desk.storefront.id or found.ended_at is not None:
        raise NoReseller
    return found


async def one_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_one(press, desk, callback_data.id)


async def show_one(event: CallbackQuery | Message, desk: Desk, customer_id: int, said: Safe | None = None) -> None:
    """A reseller with level, volume and agreements."""
    say, found = desk.speech, await _reseller(desk, customer_id)
    agreed = await desk.shop.read(resellers.contracts_of, customer_id=customer_id)
    own = await desk.shop.read(pricing.current, storefront_id=desk.storefront.id, sku_ids=[one.sku_id for one in agreed])
    told: list[Safe] = []
    rows: list[Row] = []
    for n, one in enumerate(agreed[:PAGE], 1):
        line = say.say(
            "{n}. {name}: {price}",
            n=say.number(n),
            name=await _named(desk, one.sku_id),
            price=bold(say.price(one.unit_minor, one.currency)),
        )
        notes: list[Safe | None] = [
            say.say("   until {when}", when=say.when(one.ends_at)) if one.ends_at is not None else None,
            say.say("   ⚠️ dearer than retail: meant so")
            if one.dearer and one.sku_id in own and one.unit_minor > own[one.sku_id].retail_minor
            else None,
            say.say("   ⚠️ may be under cost: confirmed") if one.below_cost else None,
        ]
        told.append(lines(line, *notes))
        rows.append([do(say.label("✖️ End agreement {n}", n=say.number(n)), "rsagreed", one.id)])
    text = paragraphs(
        said,
        bold(clipped(found.name, 100)),
        lines(
            say.say("Level: {level}", level=found.level.name if found.level is not None else say.label("wholesale")),
            say.say("📌 Kept there, whatever they buy.") if found.pinned else None,
            say.say("Bought lately: {amount}", amount=say.price(found.turnover_minor, desk.storefront.currency)),
            say.say("Since {when}", when=say.when(found.since)),
            say.say("Contact: {value}", value=clipped(found.contact, 200)) if found.contact else None,
            say.say("Sells: {value}", value=clipped(found.sells, 300)) if found.sells else None,
        ),
        lines(say.say("Agreed prices:"), *told) if told else None,
    )
    rows.append([ask(say.label("➕ Agree a price"), "rs.agree", customer_id), go(say.label("🪜 Level"), "rsput", customer_id)])
    rows.append([ask(say.label("⚠️ Sells too cheap"), "rs.cut", customer_id), go(say.label("👤 The customer"), "person", customer_id)])
    rows.append([go(say.label("💳 Credit"), "crone", customer_id), go(say.label("🏁 No longer a reseller"), "rsend", customer_id)])
    rows.append(desk.back("rslist"))
    await desk.show(event, text, rows)


async def put_asked(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Which level, and whether it stays."""
    say, found = desk.speech, await _reseller(desk, callback_data.id)
    steps = await desk.shop.read(resellers.levels, storefront_id=desk.storefront.id)
    here = 0 if found.level is None else found.level.id
    rows: list[Row] = [
        [do(("● " if one.id == here else "") + clipped(one.name, 40), "rsput", found.customer_id, arg=f"{one.id}")] for one in steps
    ]
    rows.append([do(("● " if not here else "") + say.label("At wholesale prices"), "rsput", found.customer_id, arg="0")])
    if found.pinned:
        rows.append([do(say.label("📌 Let volume decide again"), "rspin", found.customer_id, arg="0")])
    else:
        rows.append([do(say.label("📌 Keep them where they are"), "rspin", found.customer_id, arg="1")])
    rows.append(desk.back("rsone", found.customer_id))
    await desk.show(press, say.say("At which level is {name}?", name=bold(clipped(found.name, 100))), rows)


async def put(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await _reseller(desk, callback_data.id)
    level_id = id_in(callback_data.arg)
    if level_id is None:
        raise NoLevel
    await _put(press, desk, found, level_id or None, found.pinned)


async def pin(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    found = await _reseller(desk, callback_data.id)
    await _put(press, desk, found, None if found.level is None else found.level.id, callback_data.arg == "1")


async def _put(press: CallbackQuery, desk: Desk, found: ResellerView, level_id: int | None, pinned: bool) -> None:
    await desk.shop.write(
        resellers.put_at_level,
        storefront_id=desk.storefront.id,
        customer_id=found.customer_id,
        level_id=level_id,
        pinned=pinned,
        by=desk.by,
    )
    await show_one(press, desk, found.customer_id, desk.speech.say("✅ Changed."))


async def end_asked(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    say, found = desk.speech, await _reseller(desk, callback_data.id)
    text = say.say(
        "{name} is no reseller any more? Level and agreed prices end now. What they bought, and their balance, stay theirs.",
        name=bold(clipped(found.name, 100)),
    )
    rows: list[Row] = [[do(say.label("🏁 Yes, end it"), "rsend", found.customer_id, style="danger")], desk.back("rsone", found.customer_id)]
    await desk.show(press, text, rows)


async def end(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(resellers.end, storefront_id=desk.storefront.id, customer_id=callback_data.id, by=desk.by)
    await press.answer(desk.speech.label("Done. They are told."))
    await hub(press, desk)


async def agreement_over(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    customer_id = await desk.shop.write(resellers.end_contract, contract_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by)
    await show_one(press, desk, customer_id, desk.speech.say("✅ Changed."))


async def _ask_agree(desk: Desk, asked: Asked) -> Safe:
    found, currency = await _reseller(desk, asked.id), desk.storefront.currency
    return desk.speech.say(
        "A price for {name} alone: type the denomination's word, the price, prices by quantity if there are any, and the last day if there "
        "is one. For example: <i>steam-50 {one}</i> or <i>steam-50 {one} 100={many} until 2027-12-31</i>",
        name=bold(clipped(found.name, 100)),
        one=decimal_text(8700, currency),
        many=decimal_text(8500, currency),
    )


async def _take_agree(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    typed = agreement_typed(text, desk.storefront.currency)
    ends_at = None
    if typed.last_day is not None:
        # Until the end of that day as the shop counts days.
        ends_at = datetime.combine(typed.last_day + timedelta(days=1), time(), ZoneInfo(shop_timezone.get()))
    try:
        await desk.shop.write(
            resellers.set_contract,
            storefront_id=desk.storefront.id,
            customer_id=asked.id,
            sku_id=await _sku(desk, typed.what),
            unit_minor=typed.unit_minor,
            tiers=typed.tiers,
            ends_at=ends_at,
            dearer=typed.sure,
            below_cost=typed.sure,
            by=desk.by,
        )
    except (BelowCost, DearerThanRetail) as refusal:
        await _again(desk, message, "rs.agree", asked, refused(desk.speech, refusal))
        return
    await show_one(message, desk, asked.id, desk.speech.say("✅ Agreed. They are told."))


# Minimum resale prices, and who asks less


async def minimums(press: CallbackQuery | Message, desk: Desk, said: Safe | None = None, page: int = 0) -> None:
    say = desk.speech
    found = list((await desk.shop.read(resellers.minimums, storefront_id=desk.storefront.id)).values())
    page = min(page, max(0, (len(found) - 1) // _LINES))
    part = found[page * _LINES : (page + 1) * _LINES]
    told = [
        say.say("• {name}: {price}", name=await _named(desk, one.sku_id), price=bold(say.price(one.unit_minor, one.currency)))
        for one in part
    ]
    text = paragraphs(
        said,
        bold(say.say("🏷 Minimum prices")),
        say.say("Resellers see them beside their prices. Below these nobody may sell on."),
        lines(*told) if told else say.say("There are none yet."),
    )
    rows: list[Row] = []
    if pages := desk.pages("rsmin", 0, page, (page + 1) * _LINES < len(found)):
        rows.append(pages)
    rows += [[ask(say.label("✏️ Set one"), "rs.min")], desk.back("resellers")]
    await desk.show(press, text, rows)


async def minimums_pressed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await minimums(press, desk, page=callback_data.page)


async def _ask_min(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say(
        "Type the denomination's word and the least that may be asked for one, for example: <i>steam-50 {amount}</i>. "
        "With - instead of the price, there is no minimum any more.",
        amount=decimal_text(9300, desk.storefront.currency),
    )


async def _take_min(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    what, _, price = text.partition(" ")
    minor = None if price.strip() == NOTHING else parse_minor(price, desk.storefront.currency)
    if minor == 0:
        raise NotAnAmount(text=price[:40], example=decimal_text(9300, desk.storefront.currency))
    await desk.shop.write(
        resellers.set_minimum, storefront_id=desk.storefront.id, sku_id=await _sku(desk, what.lower()), unit_minor=minor, by=desk.by
    )
    await minimums(message, desk, desk.speech.say("✅ Done."))


async def cuts(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await _cuts(press, desk, callback_data.page)


async def _cuts(press: CallbackQuery, desk: Desk, page: int = 0) -> None:
    """Where resellers were seen to ask less than the minimum."""
    say = desk.speech
    found = await desk.shop.read(resellers.noted, storefront_id=desk.storefront.id, page=page, limit=PAGE + 1)
    told: list[Safe] = []
    rows: list[Row] = []
    for one in found[:PAGE]:
        who = await desk.shop.read(resellers.reseller, one.customer_id)
        told.append(
            say.say(
                "⚠️ {id}: {who} at {where}: {name} for {asked}, the least is {minimum}, {when}",
                id=one.id,
                who=bold(clipped(who.name, 40) if who else "–"),
                where=clipped(one.seen_where, 60),
                name=await _named(desk, one.sku_id),
                asked=bold(say.price(one.asked_minor, one.currency)),
                minimum=say.price(one.minimum_minor, one.currency),
                when=say.when(one.at),
            )
        )
        rows.append(
            [do(say.label("✅ {n}: settled", n=one.id), "rscut", one.id), go(say.label("👤 The reseller"), "rsone", one.customer_id)]
        )
    if pages := desk.pages("rscuts", 0, page, len(found) > PAGE):
        rows.append(pages)
    rows.append(desk.back("resellers"))
    text = paragraphs(
        bold(say.say("⚠️ Sold too cheap")), *told, None if told else say.say("Nothing is noted. A reseller's page has the button for it.")
    )
    await desk.show(press, text, rows)


async def cut_settled(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    if not await desk.shop.write(resellers.close_undercut, undercut_id=callback_data.id, storefront_id=desk.storefront.id, by=desk.by):
        raise Gone
    await _cuts(press, desk)


async def _ask_cut(desk: Desk, asked: Asked) -> Safe:
    found = await _reseller(desk, asked.id)
    return desk.speech.say(
        "What does {name} ask too little for? Type the denomination's word, the price and where you saw it, for example: "
        "<i>steam-50 {amount} bluesky.example</i>. They are told.",
        name=bold(clipped(found.name, 100)),
        amount=decimal_text(9100, desk.storefront.currency),
    )


async def _take_cut(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    words = text.split(maxsplit=2)
    if len(words) < 3:
        raise NotAnAgreement(text=text[:40], amount=decimal_text(9100, desk.storefront.currency))
    asked_minor = parse_minor(words[1], desk.storefront.currency)
    if asked_minor == 0:
        raise NotAnAmount(text=words[1][:40], example=decimal_text(9100, desk.storefront.currency))
    await desk.shop.write(
        resellers.note_undercut,
        storefront_id=desk.storefront.id,
        customer_id=asked.id,
        sku_id=await _sku(desk, words[0].lower()),
        asked_minor=asked_minor,
        seen_where=words[2],
        by=desk.by,
    )
    await show_one(message, desk, asked.id, desk.speech.say("✅ Noted. They are told."))


def moved(note: Note) -> Said:
    """To the staff: volume has moved a reseller."""
    speech, body = note.speech, note.body
    customer = int(body["customer"])
    rows: list[Row] = [[go(speech.label("👤 The reseller"), "rsone", customer)]]
    facts = {"customer": customer, "amount": speech.price(int(body["turnover_minor"]), str(body["currency"]))}
    if body.get("level") is None:
        return speech.say("🪜 Reseller {customer} has no level any more: bought for {amount} lately.", **facts), keyboard(rows)
    said = speech.say(
        "🪜 Reseller {customer} is at level {level} now: bought for {amount} lately.", level=bold(str(body["level"])), **facts
    )
    return said, keyboard(rows)


QUESTIONS["rs.level"] = Question(_ask_level, _take_level, "rslevels")
QUESTIONS["rs.change"] = Question(_ask_level, _take_change, "rslevel")
QUESTIONS["rs.days"] = Question(_ask_days, _take_days, "rslevels")
QUESTIONS["rs.rule"] = Question(_ask_rule, _take_rule, "rslevel")
QUESTIONS["rs.agree"] = Question(_ask_agree, _take_agree, "rsone")
QUESTIONS["rs.min"] = Question(_ask_min, _take_min, "rsmin")
QUESTIONS["rs.cut"] = Question(_ask_cut, _take_cut, "rsone")


def router() -> Router:
    made = Router(name="admin-resellers")
    screens = made.callback_query
    for to, shown in (
        ("resellers", hub),
        ("rslevels", levels_pressed),
        ("rslevel", level_pressed),
        ("rsprices", prices_of_level),
        ("rsclose", close_asked),
        ("rslist", listed),
        ("rsone", one_pressed),
        ("rsput", put_asked),
        ("rsend", end_asked),
        ("rsmin", minimums_pressed),
        ("rscuts", cuts),
    ):
        screens.register(shown, Go.filter(F.to == to))
    for act, done in (
        ("rsclose", close),
        ("rsdrop", drop),
        ("rsput", put),
        ("rspin", pin),
        ("rsend", end),
        ("rsagreed", agreement_over),
        ("rscut", cut_settled),
    ):
        screens.register(done, Do.filter(F.act == act))
    return made
