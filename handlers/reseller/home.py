"""/reseller: where an application stands and what happens next; and for resellers, their level, what it gives, and what they pay."""

from __future__ import annotations

from aiogram import Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message

from core import catalog, ledger, pricing, resellers
from core.database import Shop
from core.onboarding import ApplicationState, Outdated
from core.people import Customer
from core.resellers import ApplicationView, Asked
from core.storefronts import Storefront
from handlers import callbacks
from handlers.browse import Drawn
from handlers.conversation import conversation
from handlers.notes import Note, Said
from handlers.pieces import Row, bold, button, clipped, full_name, keyboard, lines, paragraphs, plain, show
from handlers.reseller.api import KeyPress
from handlers.reseller.buttons import Answer, Begin, Home, Look, Prices, Withdraw
from handlers.reseller.words import reason_of
from handlers.screen import refused
from locales import Safe, Speech

PAGE = 10  # prices on one screen


async def reseller_asked(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    await open_(message, shop, storefront, customer, speech)


async def home_pressed(
    press: CallbackQuery, callback_data: Home, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    await open_(press, shop, storefront, customer, speech, fresh=callback_data.fresh)


async def open_(
    event: Message | CallbackQuery,
    shop: Shop,
    storefront: Storefront,
    customer: Customer,
    speech: Speech,
    said: Safe | None = None,
    *,
    fresh: bool = False,
) -> None:
    """The reseller's home for who is one, else the application."""
    if customer.wholesale:
        await show(event, *await _home(shop, storefront, customer, speech, said), fresh=fresh)
        return
    found = await shop.read(resellers.application_of, customer.id)
    await show(event, *_standing(found, storefront, speech, said), fresh=fresh)


# Where an application stands


def _standing(found: ApplicationView | None, storefront: Storefront, speech: Speech, said: Safe | None) -> Drawn:
    heading = speech.say("<b>🤝 Buying from {shop} to sell again</b>", shop=storefront.name)
    if found is None or found.state in (ApplicationState.WITHDRAWN, ApplicationState.REFUSED, ApplicationState.APPROVED):
        return _beginning(found, heading, speech, said)
    leave = button(speech.label("↩️ Withdraw"), Withdraw(id=found.id, version=found.version))
    if found.state is ApplicationState.SENT:
        text = paragraphs(
            said,
            heading,
            speech.say("⏳ Your application {id} is with the shop since {when}.", id=found.id, when=speech.when(found.sent_at))
            if found.sent_at
            else None,
            speech.say("Next: a person looks at it. You hear from us in this chat; there is nothing you have to do."),
        )
        return text, keyboard([[button(speech.label("📋 What I sent"), Look(id=found.id))], [leave, _to_shop(speech)]])
    answered = sum(getattr(found, asked.value) is not None for asked in Asked)
    text = paragraphs(
        said,
        heading,
        _sent_back(found, speech)
        if found.state is ApplicationState.SENT_BACK
        else speech.say("📝 Your application is a draft, and nobody has seen it yet. It is kept here until you send it, or withdraw it."),
        speech.say("Answered: {n} of {all}", n=speech.number(answered), all=speech.number(len(Asked))),
        speech.say("Next: look it over and send it.")
        if found.next is None
        else speech.say("Next: answer what is missing. You can stop at any time."),
    )
    on = button(speech.label("📋 Look it over"), Look(id=found.id), "primary")
    if found.next is not None:
        on = button(speech.label("▶️ Continue"), Answer(id=found.id, asked=found.next), "primary")
    return text, keyboard([[on], [leave, _to_shop(speech)]])


def _beginning(found: ApplicationView | None, heading: Safe, speech: Speech, said: Safe | None) -> Drawn:
    before = None
    if found is not None and found.state is ApplicationState.REFUSED:
        before = lines(speech.say("🚫 Your application {id} was refused.", id=found.id), reason_of(found.why, found.why_text, speech))
    elif found is not None and found.state is ApplicationState.WITHDRAWN:
        before = speech.say("Your application {id} is withdrawn.", id=found.id)
    text = paragraphs(
        said,
        heading,
        before,
        speech.say("You sell cards yourself? Resellers buy at lower prices, and up to 10,000 codes in one order, as a file."),
        speech.say("Five short questions, and a person of the shop looks at your answers."),
    )
    return text, keyboard([[button(speech.label("📝 Apply"), Begin(), "primary")], [_to_shop(speech)]])


def _sent_back(found: ApplicationView, speech: Speech) -> Safe:
    return lines(
        speech.say("↩️ <b>Please change something and send it again.</b> The shop says:"),
        reason_of(found.why, found.why_text, speech),
    )


def _to_shop(speech: Speech) -> InlineKeyboardButton:
    return button(speech.label("🛍 To the shop"), callbacks.Home())


async def withdraw_pressed(
    press: CallbackQuery, callback_data: Withdraw, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    """Asked once more, because what was filled in does not come back."""
    if not callback_data.sure:
        said = speech.say("Withdraw your application? What you filled in is put away, and you begin anew when you apply again.")
        sure = Withdraw(id=callback_data.id, version=callback_data.version, sure=True)
        rows: list[Row] = [
            [button(speech.label("↩️ Yes, withdraw it"), sure, "danger")],
            [button(speech.label("⬅️ No, keep it"), Home())],
        ]
        await show(press, said, keyboard(rows))
        return
    no: Safe | None = None
    try:
        await shop.write(resellers.withdraw, application_id=callback_data.id, customer_id=customer.id, version=callback_data.version)
    except (Outdated, resellers.NoApplication) as refusal:
        no = refused(speech, refusal)
    await open_(press, shop, storefront, customer, speech, no)


# The home of a reseller


async def _home(shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, said: Safe | None) -> Drawn:
    found = await shop.read(resellers.reseller, customer.id)
    steps = await shop.read(resellers.levels, storefront_id=storefront.id)
    days = await shop.read(resellers.window_days, storefront_id=storefront.id)
    has_minor = await shop.read(ledger.balance, customer.wallet_id)
    currency = storefront.currency
    level = None if found is None else found.level
    bought = 0 if found is None else found.turnover_minor
    facts: list[Safe | None] = [
        speech.say("Your level: {level}", level=bold(level.name)) if level is not None else speech.say("You buy at wholesale prices."),
        speech.many(
            "Bought in the last {n} day: {amount}",
            "Bought in the last {n} days: {amount}",
            days,
            amount=bold(speech.price(bought, currency)),
        )
        if found is not None
        else None,
        _way_up(steps, level, bought, currency, speech) if found is not None and not found.pinned else None,
        speech.say("👛 Your balance: {balance}", balance=bold(speech.price(has_minor, currency))),
    ]
    noted = await shop.read(resellers.noted, storefront_id=storefront.id, customer_id=customer.id)
    text = paragraphs(
        said,
        speech.say("<b>🤝 Reseller of {shop}</b>", shop=storefront.name),
        lines(*facts),
        speech.say("Your prices are the ones you see in the shop. Up to 10,000 codes in one order come as a file."),
        speech.say("⚠️ You were seen to ask less than the minimum price. Please look at your prices.") if noted else None,
    )
    return text, keyboard(
        [
            [button(speech.label("🏷 My prices"), Prices(), "primary"), _to_shop(speech)],
            [button(speech.label("🧾 My orders"), callbacks.Orders()), button(speech.label("👛 My balance"), callbacks.Balance())],
            [button(speech.label("🔑 Keys for your programs"), KeyPress(act="list"))],
        ]
    )


def _way_up(
    steps: list[resellers.LevelView], level: resellers.LevelView | None, bought_minor: int, currency: str, speech: Speech
) -> Safe | None:
    """How much is missing to the next level; nothing at the highest, or at one that only the staff give."""
    if level is not None and level.from_turnover_minor is None:
        return None
    rank = 0 if level is None else level.rank
    above = resellers.following([one.step for one in steps], rank)
    if above is None or above.from_turnover_minor is None:
        return None
    name = next(one.name for one in steps if one.id == above.level_id)
    missing = speech.price(max(0, above.from_turnover_minor - bought_minor), currency)
    return speech.say("To {level}: {amount} more", level=bold(name), amount=missing)


async def prices_pressed(
    press: CallbackQuery, callback_data: Prices, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech
) -> None:
    """What they pay, with quantity prices and the minimum resale price."""
    if not customer.wholesale:
        await open_(press, shop, storefront, customer, speech)
        return
    skus = await shop.read(catalog.all_skus)
    mine = await shop.read(pricing.for_buyer, buyer=customer, sku_ids=[sku.id for sku in skus])
    least = await shop.read(resellers.minimums, storefront_id=storefront.id)
    agreed = {one.sku_id: one for one in await shop.read(resellers.contracts_of, customer_id=customer.id)}
    shown = [sku for sku in skus if sku.id in mine]
    page = min(callback_data.page, max(0, (len(shown) - 1) // PAGE))
    part = shown[page * PAGE : (page + 1) * PAGE]
    products = await shop.read(catalog.products_of, [sku.product_id for sku in part])
    told: list[Safe] = []
    for sku in part:
        price = mine[sku.id]
        said = [
            speech.say(
                "<b>{name}</b>: {price}",
                name=clipped(full_name(products[sku.product_id], sku, speech), 60),
                price=speech.price(price.retail_minor, price.currency),
            )
        ]
        if price.tiers:
            tiers = [
                speech.label("from {n}: {price}", n=speech.number(tier.from_quantity), price=speech.price(tier.unit_minor, price.currency))
                for tier in price.tiers
            ]
            said.append(plain(" · ".join(tiers), 300))
        contract = agreed.get(sku.id)
        if contract is not None:
            said.append(
                speech.say("agreed with you until {when}", when=speech.when(contract.ends_at))
                if contract.ends_at is not None
                else speech.say("agreed with you")
            )
        if sku.id in least:
            one = least[sku.id]
            said.append(speech.say("please ask at least {price}", price=speech.price(one.unit_minor, one.currency)))
        told.append(lines(*said))
    rows: list[Row] = []
    turning = []
    if page:
        turning.append(button("◀", Prices(page=page - 1)))
    if (page + 1) * PAGE < len(shown):
        turning.append(button("▶", Prices(page=page + 1)))
    if turning:
        rows.append(turning)
    rows.append([button(speech.label("⬅️ Back"), Home()), _to_shop(speech)])
    text = paragraphs(bold(speech.label("🏷 My prices")), *told, None if told else speech.say("Nothing has a price yet."))
    await show(press, text, keyboard(rows))


# What the shop says of its own accord


async def noticed(note: Note) -> Said:
    """To the applicant: somebody has decided."""
    speech = note.speech
    found = await note.shop.read(resellers.application, int(note.body["application"]))
    mine = button(speech.label("🤝 My application"), Home(fresh=True))
    event = str(note.body["event"])
    if found is None:
        return speech.say("There is no such application. /reseller shows where yours stands."), None
    if event == ApplicationState.APPROVED and found.state is ApplicationState.APPROVED:
        level = None if found.level_id is None else await note.shop.read(resellers.level, found.level_id)
        return paragraphs(
            speech.say("🎉 <b>Welcome!</b> You are a reseller of this shop now."),
            speech.say("Your level: {level}", level=bold(level.name)) if level is not None else None,
            speech.say("From now on the shop shows you your own prices. /reseller opens your page."),
        ), keyboard([[button(speech.label("🤝 My page"), Home(fresh=True), "primary")]])
    if event == ApplicationState.SENT_BACK and found.state is ApplicationState.SENT_BACK:
        return paragraphs(_sent_back(found, speech), speech.say("Nothing is lost: change only what is needed.")), keyboard(
            [[button(speech.label("✏️ Change it"), Home(fresh=True), "primary")]]
        )
    if event == ApplicationState.REFUSED:
        reason = reason_of(found.why, found.why_text, speech)
        return lines(speech.say("🚫 Your application {id} was refused.", id=found.id), reason), keyboard([[mine]])
    return speech.say("There is news about your application {id}: /reseller shows where it stands.", id=found.id), keyboard([[mine]])


def level_changed(note: Note) -> Said:
    """To the reseller: they buy from another price list now."""
    speech, name = note.speech, note.body.get("level")
    page = keyboard([[button(speech.label("🤝 My page"), Home(fresh=True))]])
    if name is None:
        return speech.say("You have no level any more, and buy at wholesale prices from now on. /reseller says what leads back up."), page
    level = bold(str(name))
    if note.body.get("up"):
        return speech.say("🎉 You have risen to {level}: your prices are better from now on.", level=level), page
    return speech.say(
        "Your level is {level} from now on, and your prices are others. /reseller says what leads back up.", level=level
    ), page


async def contract_told(note: Note) -> Said:
    """To the reseller: a price was agreed with them, or is over."""
    speech = note.speech
    page = keyboard([[button(speech.label("🏷 My prices"), Prices())]])
    found = await note.shop.read(resellers.contract, int(note.body["contract"]))
    if str(note.body["event"]) == "ended" or found is None:
        return speech.say("A price that was agreed with you is over: from now on your usual price holds. /reseller shows it."), page
    sku = await note.shop.read(catalog.sku, found.sku_id)
    product = None if sku is None else await note.shop.read(catalog.product, sku.product_id)
    name = bold(full_name(product, sku, speech)) if sku is not None and product is not None else Safe("–")
    price = bold(speech.price(found.unit_minor, found.currency))
    if found.ends_at is not None:
        said = speech.say("🤝 Agreed with you: {name} for {price}, until {when}.", name=name, price=price, when=speech.when(found.ends_at))
    else:
        said = speech.say("🤝 Agreed with you: {name} for {price}.", name=name, price=price)
    return said, page


async def undercut_told(note: Note) -> Said:
    """To the reseller: somewhere they ask less than they may."""
    speech = note.speech
    found = await note.shop.read(resellers.undercut, int(note.body["undercut"]))
    page = keyboard([[button(speech.label("🏷 My prices"), Prices())]])
    if found is None:
        return speech.say("⚠️ You were seen to ask less than the minimum price. Please look at your prices."), page
    sku = await note.shop.read(catalog.sku, found.sku_id)
    product = None if sku is None else await note.shop.read(catalog.product, sku.product_id)
    name = bold(full_name(product, sku, speech)) if sku is not None and product is not None else Safe("–")
    return speech.say(
        "⚠️ At {where} you ask {asked} for {name}. The least is {minimum}: please raise it. If this is not yours, write to us.",
        where=bold(clipped(found.seen_where, 100)),
        asked=speech.price(found.asked_minor, found.currency),
        minimum=speech.price(found.minimum_minor, found.currency),
        name=name,
    ), page


def router() -> Router:
    """/reseller and what hangs below it."""
    made = conversation("reseller-home")
    made.message.register(reseller_asked, Command("reseller"))
    made.callback_query.register(home_pressed, Home.filter())
    made.callback_query.register(withdraw_pressed, Withdraw.filter())
    made.callback_query.register(prices_pressed, Prices.filter())
    return made
