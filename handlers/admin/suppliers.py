"""Suppliers as the staff weigh them: their standing and what it allows, strikes, suspension, and how long their money is held."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import standing, supply
from core.catalog import Gone
from core.errors import N_
from core.standing import STRIKES_TO_SUSPEND, Control, Rights, StrikeView, StrikeWhy
from core.supply import SourceClass, Standing
from handlers.admin.desk import NOTHING, PAGE, QUESTIONS, Asked, Desk, Do, Go, NotFound, Question, ask, do, go, number_between, short_enough
from handlers.pieces import Row, bold, lines, paragraphs, region_name
from locales import NN_, Safe, Speech

REASON = 300  # characters
_MOST_DAYS = 365
_MOST = 10_000_000

STANDINGS = {
    Standing.NEW: N_("🌱 new"),
    Standing.TRUSTED: N_("🤝 trusted"),
    Standing.AUTHORISED: N_("🏅 authorised"),
    Standing.CREATOR: N_("🎨 creator"),
    Standing.OWN: N_("🏠 the shop itself"),
}
CLASSES = {
    SourceClass.OWN_STOCK: N_("the merchant's own stock"),
    SourceClass.AUTHORISED: N_("with a brand's paper"),
    SourceClass.CREATOR: N_("the creator's own"),
    SourceClass.PURCHASED: N_("bought by the shop"),
    SourceClass.UPSTREAM: N_("from another shop"),
}
_OFFERS = NN_("{n} offer", "{n} offers")
_PEOPLE = NN_("{n} person acts for them", "{n} people act for them")


def router() -> Router:
    made = Router(name="admin-suppliers")
    made.callback_query.register(listed, Go.filter(F.to == "suppliers"))
    made.callback_query.register(looked_at, Go.filter(F.to == "supplier"))
    made.callback_query.register(choose_standing, Go.filter(F.to == "sup-standing"))
    made.callback_query.register(rules, Go.filter(F.to == "sup-rules"))
    made.callback_query.register(rule, Go.filter(F.to == "sup-rule"))
    made.callback_query.register(unsuspend, Do.filter(F.act == "unsuspend"))
    made.callback_query.register(lift_strike, Do.filter(F.act == "strike-lift"))
    made.callback_query.register(set_approve, Do.filter(F.act == "rule-approve"))
    made.callback_query.register(set_class, Do.filter(F.act == "rule-class"))
    return made


# Looking


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_list(press, desk, page=callback_data.page)


async def show_list(event: Message | CallbackQuery, desk: Desk, *, page: int = 0, text: str = "") -> None:
    """The suppliers, newest first, or those whose name was typed."""
    say = desk.speech
    found = await desk.shop.read(supply.every_supplier, text=text, offset=page * PAGE, limit=PAGE + 1)
    if text and not found:
        raise NotFound(text=text[:40])
    rows: list[Row] = []
    for one in found[:PAGE]:
        mark = "⛔ " if one.suspended else ""
        rows.append([go(f"{mark}{one.name} · {say.label(STANDINGS[one.standing])}", "supplier", one.id)])
    rows.append([ask(say.label("🔎 Find a supplier"), "supplier.find")])
    rows.append([go(say.label("📐 Rights by standing"), "sup-rules")])
    if not text:
        rows.append(desk.pages("suppliers", 0, page, more=len(found) > PAGE))
    rows.append(desk.back("supply"))
    await desk.show(event, paragraphs(bold(say.label("Suppliers")), None if found else say.say("There are none yet.")), rows)


async def _of(desk: Desk, supplier_id: int) -> Control:
    found = await desk.shop.read(standing.control, supplier_id)
    if found is None:
        raise Gone
    return found


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_supplier(press, desk, callback_data.id)


async def show_supplier(event: Message | CallbackQuery, desk: Desk, supplier_id: int) -> None:
    """One supplier with everything that is weighed, and a button for everything that can be changed."""
    say, found = desk.speech, await _of(desk, supplier_id)
    one = found.supplier
    people = await desk.shop.read(supply.members_of, supplier_id)
    own = one.standing is Standing.OWN
    cases = Decimal(found.cases) / found.units if found.units else Decimal(0)
    text = paragraphs(
        bold(one.name),
        lines(
            say.say("Standing: {standing}", standing=say.label(STANDINGS[one.standing])),
            say.say("Country: {country}", country=region_name(one.country, say)) if one.country else None,
            say.say("Since: {when}", when=say.day(one.joined_at)),
            say.many(*_OFFERS, found.offers),
            None if own else say.many(*_PEOPLE, len(people)),
        ),
        lines(
            say.say(
                "Sold in 30 days: {units}, complaints won by buyers: {cases} ({share})",
                units=say.number(found.units),
                cases=say.number(found.cases),
                share=say.percent(cases),
            ),
            say.say("Money is held for {days} days (agreed).", days=found.hold_days)
            if one.hold_days is not None
            else say.say("Money is held for {days} days.", days=found.hold_days),
        ),
        lines(
            say.say("⛔ Suspended since {when}: {reason}", when=say.when(found.suspension.at), reason=found.suspension.reason or "–"),
            say.say("Nothing of theirs sells, and nothing is paid out to them."),
        )
        if found.suspension is not None
        else None,
        lines(
            say.say("Strikes: {n} of {most}; the last one suspends.", n=len(found.strikes), most=STRIKES_TO_SUSPEND),
            *(
                say.say("• until {when}: {reason}", when=say.day(strike.expires_at), reason=reason_of(say, strike))
                for strike in found.strikes
            ),
        )
        if found.strikes
        else None,
    )
    rows = [] if own else _rows(say, found)
    await desk.show(event, text, [*rows, desk.back("suppliers")])


def _rows(say: Speech, found: Control) -> list[Row]:
    id_ = found.supplier.id
    rows: list[Row] = [
        [go(say.label("🏅 Standing"), "sup-standing", id_), ask(say.label("⏳ Days of hold"), "supplier.hold", id_)],
        [ask(say.label("⚠️ Strike"), "supplier.strike", id_), go(say.label("⚖️ Limits"), "exposure", id_)],
    ]
    if found.supplier.suspended:
        rows.append([do(say.label("✅ Lift the suspension"), "unsuspend", id_, style="success")])
    else:
        rows.append([ask(say.label("⛔ Suspend"), "supplier.suspend", id_, style="danger")])
    rows += [
        [do(say.label("Take back: {reason}", reason=reason_of(say, strike)), "strike-lift", strike.id)] for strike in found.strikes[:8]
    ]
    rows.append(
        [ask(say.label("🔌 Switch off"), "switch.off", id_, arg="supplier"), go(say.label("⚖️ Complaint"), "td-new", id_, arg="supplier")]
    )
    return rows


def reason_of(say: Speech, strike: StrikeView) -> str:
    """Why a strike was given, for people."""
    if strike.why is StrikeWhy.CASES:
        return say.label(
            "{cases} lost complaints of {units} sold",
            cases=say.number(int(strike.facts.get("cases", 0))),
            units=say.number(int(strike.facts.get("units", 0))),
        )
    return strike.reason or "–"


# Changing


async def choose_standing(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """The standings that can be given; each asks for a reason."""
    say, found = desk.speech, await _of(desk, callback_data.id)
    rows: list[Row] = [
        [ask(say.label(STANDINGS[one]), "supplier.standing", callback_data.id, arg=one.value)]
        for one in Standing
        if one not in (Standing.OWN, found.supplier.standing)
    ]
    rows.append(desk.back("supplier", callback_data.id))
    text = say.say(
        "{name} is {standing} now. What shall they be?", name=found.supplier.name, standing=say.label(STANDINGS[found.supplier.standing])
    )
    await desk.show(press, text, rows)


async def unsuspend(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await _of(desk, callback_data.id)
    done = await desk.shop.write(standing.unsuspend, supplier_id=callback_data.id, by=desk.by)
    await press.answer(desk.speech.label("Done.") if done else desk.speech.label("This was decided already."))
    await show_supplier(press, desk, callback_data.id)


async def lift_strike(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    done = await desk.shop.write(standing.lift_strike, strike_id=callback_data.id, by=desk.by)
    await press.answer(desk.speech.label("Done.") if done else desk.speech.label("This was decided already."))
    supplier_id = await desk.shop.read(standing.struck, callback_data.id)
    if supplier_id is None:
        raise Gone
    await show_supplier(press, desk, supplier_id)


Command = Callable[[Desk, Asked, str], Awaitable[object]]


def _with_reason(sentence: str, command: Command) -> Question:
    """A change that asks for its reason; the supplier is told it too."""

    async def says(desk: Desk, asked: Asked) -> Safe:
        found, say = await _of(desk, asked.id), desk.speech
        new = say.label(STANDINGS[_standing(asked.arg)]) if asked.arg else ""
        return paragraphs(say.say(sentence, name=found.supplier.name, standing=new), say.say("Please type the reason in one line."))

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        await command(desk, asked, short_enough(text, REASON))
        await show_supplier(message, desk, asked.id)

    return Question(says, take, "supplier")


def _standing(value: str) -> Standing:
    """A standing that can be given, as a button names it; raises Gone."""
    if value not in {one.value for one in Standing if one is not Standing.OWN}:
        raise Gone
    return Standing(value)


async def _strike(desk: Desk, asked: Asked, reason: str) -> object:
    return await desk.shop.write(standing.strike, supplier_id=asked.id, reason=reason, by=desk.by)


async def _suspend(desk: Desk, asked: Asked, reason: str) -> object:
    return await desk.shop.write(standing.suspend, supplier_id=asked.id, reason=reason, by=desk.by)


async def _set_standing(desk: Desk, asked: Asked, reason: str) -> object:
    return await desk.shop.write(standing.set_standing, supplier_id=asked.id, standing=_standing(asked.arg), reason=reason, by=desk.by)


QUESTIONS["supplier.strike"] = _with_reason(N_("A strike against {name}: it stands for 90 days, and they are told."), _strike)
QUESTIONS["supplier.suspend"] = _with_reason(
    N_("Suspend {name}? All their offers stop at once, and their payouts are frozen. They are told."), _suspend
)
QUESTIONS["supplier.standing"] = _with_reason(N_("{name} will be {standing}."), _set_standing)


async def _ask_hold(desk: Desk, asked: Asked) -> Safe:
    found = await _of(desk, asked.id)
    return desk.speech.say(
        "For how many days is the money of {name} held after each sale? "
        "Type a number such as <i>7</i>, or - for what their standing says ({days}).",
        name=found.supplier.name,
        days=found.rights.hold_days,
    )


async def _take_hold(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    days = None if text == NOTHING else number_between(text, 0, _MOST_DAYS)
    await desk.shop.write(standing.set_hold_days, supplier_id=asked.id, days=days, by=desk.by)
    await show_supplier(message, desk, asked.id)


QUESTIONS["supplier.hold"] = Question(_ask_hold, _take_hold, "supplier")


async def _ask_find(desk: Desk, asked: Asked) -> Safe:
    return desk.speech.say("Type a part of the supplier's name.")


async def _take_find(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    await show_list(message, desk, text=text)


QUESTIONS["supplier.find"] = Question(_ask_find, _take_find, "suppliers")


# Rights by standing


async def rules(press: CallbackQuery, desk: Desk) -> None:
    """The standings, each with its rights behind a button."""
    say = desk.speech
    rows: list[Row] = [[go(say.label(STANDINGS[one]), "sup-rule", arg=one.value)] for one in Standing if one is not Standing.OWN]
    rows.append(desk.back("suppliers"))
    await desk.show(
        press, paragraphs(bold(say.label("Rights by standing")), say.say("What suppliers may, by how far they are trusted.")), rows
    )


async def rule(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_rule(press, desk, _standing(callback_data.arg))


async def show_rule(event: Message | CallbackQuery, desk: Desk, of: Standing) -> None:
    """What suppliers of one standing may; each line can be changed."""
    say, may = desk.speech, await desk.shop.read(standing.rights, of)
    text = paragraphs(
        bold(say.label(STANDINGS[of])),
        lines(
            say.say("Money is held for {days} days.", days=may.hold_days),
            say.say("Codes on the shelf: at most {most}", most=say.number(may.most_on_shelf)),
            say.say("Offers: at most {most}", most=say.number(may.most_offers)),
            say.say(
                "May list: {classes}", classes=say.listing([say.label(CLASSES[one]) for one in SourceClass if one in may.classes] or ["–"])
            ),
            say.say("Each new offer waits for the staff.") if may.approve else say.say("New offers go on sale by themselves."),
            say.say(
                "A strike comes by itself when buyers win {share} of the complaints about what was sold in 30 days, from {least} sales on.",
                share=say.percent(Decimal(may.cases_basis_points) / 10_000),
                least=say.number(may.least_sales),
            ),
        ),
    )
    fields = {
        "rule.hold": say.label("⏳ Days of hold"),
        "rule.shelf": say.label("📦 Codes"),
        "rule.offers": say.label("🏷 Offers"),
        "rule.cases": say.label("⚠️ Strike from %"),
        "rule.least": say.label("⚠️ From so many sales"),
    }
    buttons = [ask(label, key, arg=of.value) for key, label in fields.items()]
    rows: list[Row] = [buttons[:3], buttons[3:]]
    rows.append([do(("☑️ " if may.approve else "⬜ ") + say.label("New offers wait for us"), "rule-approve", arg=of.value)])
    rows += [
        [do(("☑️ " if one in may.classes else "⬜ ") + say.label(CLASSES[one]), "rule-class", arg=f"{of.value}.{one.value}")]
        for one in SourceClass
        if one is not SourceClass.PURCHASED
    ]
    rows.append(desk.back("sup-rules"))
    await desk.show(event, text, rows)


async def set_approve(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    of = _standing(callback_data.arg)
    may = await desk.shop.read(standing.rights, of)
    await desk.shop.write(standing.change_rights, standing=of, by=desk.by, changed={"approve": not may.approve})
    await show_rule(press, desk, of)


async def set_class(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    """One class of source may be listed from now on, or no more."""
    name, _, class_ = callback_data.arg.partition(".")
    of = _standing(name)
    if class_ not in {one.value for one in SourceClass}:
        raise Gone
    may = await desk.shop.read(standing.rights, of)
    classes = may.classes ^ {SourceClass(class_)}
    await desk.shop.write(standing.change_rights, standing=of, by=desk.by, changed={"classes": classes})
    await show_rule(press, desk, of)


def _number_of(field: str, sentence: str, least: int, most: int, *, times: int = 1) -> Question:
    """A number of a standing's rights; `times` is how many of what is kept make one of what is typed."""

    async def says(desk: Desk, asked: Asked) -> Safe:
        of = _standing(asked.arg)
        may: Rights = await desk.shop.read(standing.rights, of)
        now = say_now(getattr(may, field))
        return paragraphs(bold(desk.speech.label(STANDINGS[of])), desk.speech.say(sentence, now=now))

    def say_now(value: int) -> str:
        return str(Decimal(value) / times)

    async def take(desk: Desk, message: Message, asked: Asked, text: str) -> None:
        of = _standing(asked.arg)
        value = number_between(text, least, most) * times
        await desk.shop.write(standing.change_rights, standing=of, by=desk.by, changed={field: value})
        await show_rule(message, desk, of)

    return Question(says, take, "sup-rules")


QUESTIONS["rule.hold"] = _number_of("hold_days", N_("For how many days is the money of a sale held? Now: {now}"), 0, _MOST_DAYS)
QUESTIONS["rule.shelf"] = _number_of("most_on_shelf", N_("How many codes may they have on the shelf? Now: {now}"), 0, _MOST)
QUESTIONS["rule.offers"] = _number_of("most_offers", N_("How many offers may they have? Now: {now}"), 0, 100_000)
QUESTIONS["rule.cases"] = _number_of(
    "cases_basis_points",
    N_("From how many percent of complaints won by buyers is it a strike? Type a whole number. Now: {now}"),
    1,
    100,
    times=100,
)
QUESTIONS["rule.least"] = _number_of("least_sales", N_("From how many sales in 30 days on does that count? Now: {now}"), 1, _MOST)
