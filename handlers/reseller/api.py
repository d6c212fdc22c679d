"""Keys for a reseller's programs: made, shown once, rotated, limited, disabled; and what their programs did not hear."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from aiogram import F, Router
from aiogram.exceptions import TelegramAPIError
from aiogram.filters import Command
from aiogram.filters.callback_data import CallbackData
from aiogram.filters.state import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.types import CallbackQuery, InlineKeyboardButton, Message
from pydantic import Field

from core import api, onboarding
from core.api import Form, Key, Scope
from core.database import Shop, instant, utc_now
from core.errors import Refusal
from core.money import parse_minor
from core.people import Customer
from core.storefronts import Storefront
from handlers.callbacks import Number
from handlers.conversation import conversation
from handlers.notes import Note, Said, Wording
from handlers.pieces import Row, bold, button, clipped, copier, keyboard, lines, paragraphs, plain, show
from handlers.screen import refused, refused_plain
from locales import N_, Safe, Speech

_SAME_PRESS = timedelta(seconds=3)  # a second press of "make" within this is the first one's
_SCOPES: dict[Scope, str] = {
    Scope.READ: N_("goods and balance"),
    Scope.ORDER: N_("orders"),
    Scope.CODES: N_("codes"),
    Scope.CASES: N_("cases"),
    Scope.STATEMENT: N_("statements"),
}
_FORMS: dict[Form, str] = {
    Form.OWN: N_("signed by HMAC-SHA256"),
    Form.MD5: N_("signed by MD5, for older shops"),
    Form.DUJIAO: "dujiao-next",
    Form.ACG: "acg-faka",
}
_BITS = list(Scope)


class KeyPress(CallbackData, prefix="rsk"):
    """A button about keys: what to do, with which key; `arg` is a choice of scopes, a form, or a word that was asked back."""

    act: Annotated[str, Field(pattern=r"^[a-z]{1,8}$")]
    id: Number = 0
    arg: Annotated[str, Field(pattern=r"^[a-z0-9.]{0,16}$")] = ""


class KeyTyping(StatesGroup):
    """The next message is an answer about a key."""

    answer = State()


@dataclass(eq=False)
class TypeAmount(Refusal):
    says: ClassVar[str] = N_("Please type an amount such as 500, or 0 for no limit.")


@dataclass
class _Desk:
    """Who acts, and where they look."""

    shop: Shop
    storefront: Storefront
    customer: Customer
    speech: Speech

    @property
    def by(self) -> str:
        return f"telegram:{self.customer.telegram_id}"

    def mine(self, key_id: int) -> dict[str, Any]:
        """Who changes which key: every command checks that it is theirs."""
        return {"key_id": key_id, "customer_id": self.customer.id, "by": self.by}


def router() -> Router:
    made = conversation("reseller-api")
    made.message.register(asked, Command("api"))
    made.message.register(typed, StateFilter(KeyTyping.answer), ~F.text.startswith("/"))
    made.callback_query.register(pressed, KeyPress.filter())
    return made


async def asked(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech) -> None:
    """/api: the keys there are. Who is no reseller is told what it is for."""
    await _list(message, _Desk(shop, storefront, customer, speech))


async def pressed(
    press: CallbackQuery, callback_data: KeyPress, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext
) -> None:
    """Any button of these screens; what is not theirs, or not there any more, is said over the screen."""
    act = ACTS.get(callback_data.act)
    desk = _Desk(shop, storefront, customer, speech)
    try:
        if act is not None:
            await act(press, desk, callback_data, state)
        else:
            await _list(press, desk)
    except Refusal as refusal:
        await press.answer(refused_plain(speech, refusal), show_alert=True)


def _to(label: str, act: str, id: int = 0, arg: str = "", style: str | None = None) -> InlineKeyboardButton:
    return button(label, KeyPress(act=act, id=id, arg=arg), style)


# The list


async def _list(event: Message | CallbackQuery, desk: _Desk, note: Safe | None = None) -> None:
    say = desk.speech
    if not desk.customer.wholesale:
        await show(event, say.say("🔑 Keys let programs of resellers buy here. Become a reseller first: /reseller"))
        return
    keys = await desk.shop.read(api.keys_of, desk.customer.id)
    text = paragraphs(
        note,
        lines(
            bold(say.label("🔑 Keys for your programs")),
            say.say("Your shop or script buys here by itself: it reads the goods at your prices, orders, and fetches the codes."),
        ),
        None if keys else say.say("You have no key yet. Begin with one for trying out: nothing is sold by it, and nothing is charged."),
        say.say("How it is done stands in the guide for programmers, at /api/v1/docs on the shop's address."),
    )
    rows: list[Row] = [[_to(_name(one, say), "key", one.id)] for one in keys]
    rows.append([_to(say.label("➕ New key"), "new", arg="31.own"), _to(say.label("🧪 For trying out"), "new", arg="31.own.t")])
    await show(event, text, keyboard(rows))


def _name(key: Key, say: Speech) -> str:
    return f"{'🧪' if key.sandbox else '🔑'} {clipped(key.label or key.name, 30)}"


# Making one


def _chosen(arg: str) -> tuple[frozenset[Scope], Form, bool]:
    """The scopes, the form and whether it is for trying out; what a forged button says is brought into what there is."""
    bits, _, rest = arg.partition(".")
    form, _, trial = rest.partition(".")
    mask = int(bits) if bits.isdigit() and len(bits) <= 2 else 31
    return (
        frozenset(scope for n, scope in enumerate(_BITS) if mask >> n & 1),
        Form(form) if form in set(Form) else Form.OWN,
        trial == "t",
    )


def _arg(scopes: frozenset[Scope], form: Form, trial: bool) -> str:
    mask = sum(1 << n for n, scope in enumerate(_BITS) if scope in scopes)
    return f"{mask}.{form.value}{'.t' if trial else ''}"


async def _new(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    say, (scopes, form, trial) = desk.speech, _chosen(data.arg)
    text = paragraphs(
        bold(say.label("🧪 A key for trying out") if trial else say.label("➕ A new key")),
        say.say("What may programs do with it? Touch to change."),
        say.say("Nothing is sold by it: what becomes of an order is written in its number, as the guide says.") if trial else None,
    )
    rows: list[Row] = [
        [_to(("✅ " if scope in scopes else "▫️ ") + say.label(title), "new", arg=_arg(scopes ^ {scope}, form, trial))]
        for scope, title in _SCOPES.items()
    ]
    forms = list(Form)
    after = forms[(forms.index(form) + 1) % len(forms)]
    rows.append([_to(say.label("✍️ {form}", form=say.label(_FORMS[form])), "new", arg=_arg(scopes, after, trial))])
    if scopes:
        rows.append([_to(say.label("Make it"), "make", arg=_arg(scopes, form, trial), style="success")])
    rows.append([_to(say.label("Cancel"), "list")])
    await show(press, text, keyboard(rows))


async def _make(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    scopes, form, trial = _chosen(data.arg)
    known = await desk.shop.read(api.keys_of, desk.customer.id)
    if not scopes or any(utc_now() - one.made_at < _SAME_PRESS for one in known):
        await _list(press, desk)
        return
    made = await desk.shop.write(api.make_key, customer_id=desk.customer.id, by=desk.by, scopes=scopes, form=form, sandbox=trial)
    await _show_secret(press, desk, made)


async def _show_secret(press: CallbackQuery, desk: _Desk, made: api.NewKey) -> None:
    """The key's screen, and under it the secret: a message that cannot be passed on, to be deleted when it is saved."""
    say = desk.speech
    await _key(press, desk, KeyPress(act="key", id=made.key.id), None)
    assert isinstance(press.message, Message)
    text = paragraphs(
        bold(say.label("🔐 The secret of {name}", name=made.key.label or made.key.name)),
        Safe("<code>") + plain(made.secret) + Safe("</code>"),
        say.say("It is shown this once, and nobody can show it again. Copy it to where your program reads it, then delete this message."),
    )
    rows: list[Row] = [
        [copier(say.label("📋 Copy the key"), made.key.name), copier(say.label("📋 Copy the secret"), made.secret)],
        [_to(say.label("🗑 I have saved it"), "saved")],
    ]
    await press.message.answer(text, reply_markup=keyboard(rows), protect_content=True)


async def _saved(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    if isinstance(press.message, Message):
        with contextlib.suppress(TelegramAPIError):
            await press.message.delete()
    await press.answer(desk.speech.label("Deleted."))


# One key


async def _key(event: Message | CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext | None, note: Safe | None = None) -> None:
    say, shop = desk.speech, desk.shop
    key = await shop.read(api.one_key, key_id=data.id, customer_id=desk.customer.id)
    if key.disabled_at is not None:
        await _list(event, desk, note)
        return
    reports = await shop.read(api.reports_of, key.id)
    currency = desk.storefront.currency
    limit = None
    if key.day_limit_minor is not None:
        spent = await shop.read(api.spent_today, key.id)
        limit = say.say(
            "💳 Today {spent} of {limit} spent", spent=say.price(spent, currency), limit=say.price(key.day_limit_minor, currency)
        )
    text = paragraphs(
        note,
        lines(
            bold(_name(key, say)),
            Safe("<code>") + plain(key.name) + Safe("</code>"),
            say.say("May do: {scopes}", scopes=say.listing([say.label(_SCOPES[one]) for one in _BITS if one in key.scopes])),
            say.say("Form: {form}", form=say.label(_FORMS[key.form])),
        ),
        lines(
            limit or say.say("💳 No limit a day"),
            say.say("🌐 Only from {addresses}", addresses=say.listing(key.addresses)) if key.addresses else say.say("🌐 From any address"),
            say.say("📣 Reports go to {url}", url=clipped(key.callback_url, 80)) if key.callback_url else say.say("📣 No reports"),
            say.say("⏳ Works until {when}", when=say.when(key.expires_at)) if key.expires_at else None,
            say.say("🔁 The secret before works until {when}", when=say.when(key.old_until))
            if key.old_until is not None and key.old_until > utc_now()
            else None,
            say.say("🕓 Last used {when} from {address}", when=say.when(key.used_at), address=key.used_from or "?")
            if key.used_at
            else say.say("🕓 Never used"),
        ),
        say.many("📭 {n} report was not heard by your program.", "📭 {n} reports were not heard by your program.", reports.dead)
        if reports.dead
        else None,
    )
    rows: list[Row] = [
        [_to(say.label("📭 Send them again"), "resend", key.id)] if reports.dead else [],
        [_to(say.label("💳 Limit"), "ask", key.id, "limit"), _to(say.label("🌐 Addresses"), "ask", key.id, "addr")],
        [_to(say.label("📣 Reports"), "ask", key.id, "url"), _to(say.label("🧾 Scopes"), "scopes", key.id)],
        [_to(say.label("🏷 Name"), "ask", key.id, "label"), _to(say.label("⏳ Last day"), "ask", key.id, "until")],
        [_to(say.label("🔁 New secret"), "sure", key.id, "rotate"), _to(say.label("⛔️ Disable"), "sure", key.id, "disable")],
        [_to(say.label("◀ All keys"), "list")],
    ]
    await show(event, text, keyboard(rows))


async def _sure(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    say = desk.speech
    key = await desk.shop.read(api.one_key, key_id=data.id, customer_id=desk.customer.id)
    if data.arg == "rotate":
        text = say.say("Make a new secret for {name}? The one before works for 24 hours more.", name=_name(key, say))
        yes = _to(say.label("🔁 New secret"), "rotate", key.id)
    else:
        text = say.say("Disable {name}? Programs that use it stop at once, and it cannot be undone.", name=_name(key, say))
        yes = _to(say.label("⛔️ Disable"), "disable", key.id, style="danger")
    await show(press, text, keyboard([[yes], [_to(say.label("Cancel"), "key", key.id)]]))


async def _rotate(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    known = await desk.shop.read(api.one_key, key_id=data.id, customer_id=desk.customer.id)
    if known.old_until is not None and known.old_until - utc_now() > api.OVERLAP - _SAME_PRESS:
        await _key(press, desk, data, state)  # Pressed twice.
        return
    await _show_secret(press, desk, await desk.shop.write(api.rotate, **desk.mine(data.id)))


async def _disable(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    key = await desk.shop.write(api.disable, **desk.mine(data.id))
    await _list(press, desk, desk.speech.say("⛔️ {name} is disabled.", name=_name(key, desk.speech)))


async def _scopes(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    say = desk.speech
    key = await desk.shop.read(api.one_key, key_id=data.id, customer_id=desk.customer.id)
    if data.arg.isdigit() and int(data.arg) < len(_BITS):
        wanted = key.scopes ^ {_BITS[int(data.arg)]}
        key = await desk.shop.write(api.allow_scopes, **desk.mine(data.id), scopes=wanted)
    rows: list[Row] = [
        [_to(("✅ " if scope in key.scopes else "▫️ ") + say.label(title), "scopes", key.id, str(_BITS.index(scope)))]
        for scope, title in _SCOPES.items()
    ]
    rows.append([_to(say.label("◀ Back"), "key", key.id)])
    await show(press, say.say("What may programs do with {name}? Touch to change.", name=_name(key, say)), keyboard(rows))


async def _resend(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    again = await desk.shop.write(api.send_again, **desk.mine(data.id))
    note = desk.speech.many("📨 {n} report is sent again.", "📨 {n} reports are sent again.", again)
    await _key(press, desk, data, state, note)


# What is typed

_ASKS: dict[str, str] = {
    "limit": N_("How much may programs spend a day by this key? For example: 500. Type 0 for no limit."),
    "addr": N_("From which addresses may it be used? For example: 203.0.113.7, 198.51.100.0/24. Type any for all."),
    "url": N_("Where should reports go? For example: https://shop.example/reports. Type no for nowhere."),
    "label": N_("What should this key be called? For example: My web shop"),
    "until": N_("Until which day, it included, shall it work? For example: {example}. Type no for no end."),
}
_NOTHING = {"no", "none", "any", "all", "0", "-", "无", "無", "нет", "любые"}


def _question(say: Speech, what: str) -> Safe:
    return say.say(_ASKS[what], **({"example": (utc_now() + timedelta(days=90)).date().isoformat()} if what == "until" else {}))


async def _ask(press: CallbackQuery, desk: _Desk, data: KeyPress, state: FSMContext) -> None:
    if data.arg not in _ASKS:
        await _key(press, desk, data, state)
        return
    await desk.shop.read(api.one_key, key_id=data.id, customer_id=desk.customer.id)
    await state.set_state(KeyTyping.answer)
    await state.set_data({"what": data.arg, "key": data.id})
    cancel = [[_to(desk.speech.label("Cancel"), "key", data.id)]]
    await show(press, _question(desk.speech, data.arg), keyboard(cancel))


async def typed(message: Message, shop: Shop, storefront: Storefront, customer: Customer, speech: Speech, state: FSMContext) -> None:
    """An answer about a key: taken, or refused in a sentence and asked again."""
    desk, data = _Desk(shop, storefront, customer, speech), await state.get_data()
    what, key_id = str(data.get("what")), int(data.get("key", 0))
    await state.clear()
    if what not in _ASKS:
        await show(message, speech.say("This question is out of date. Please open /api again."))
        return
    try:
        await _take(desk, what, key_id, (message.text or "").strip())
    except Refusal as refusal:
        if not isinstance(refusal, api.NoSuchKey):
            await state.set_state(KeyTyping.answer)
            await state.set_data(data)
        cancel = [[_to(speech.label("Cancel"), "key", key_id)]]
        await show(message, paragraphs(refused(speech, refusal), _question(speech, what)), keyboard(cancel))
        return
    await _key(message, desk, KeyPress(act="key", id=key_id), state, speech.say("✅ Changed."))


async def _take(desk: _Desk, what: str, key_id: int, text: str) -> None:
    nothing = text.casefold() in _NOTHING
    if what == "limit":
        limit = None if nothing else parse_minor(text, desk.storefront.currency) if text else 0
        if limit == 0:
            raise TypeAmount
        await desk.shop.write(api.set_limit, **desk.mine(key_id), day_limit_minor=limit)
    elif what == "addr":
        addresses = [] if nothing else [each for each in text.replace("，", ",").replace(",", " ").split() if each]
        if not nothing and not addresses:
            raise api.AddressWrong(most=api.MOST_ADDRESSES)
        await desk.shop.write(api.allow_addresses, **desk.mine(key_id), addresses=addresses)
    elif what == "url":
        await desk.shop.write(api.set_callback, **desk.mine(key_id), callback_url=None if nothing else text)
    elif what == "until":
        until = None if nothing else desk.speech.midnight(onboarding.read_date(text) + timedelta(days=1))
        await desk.shop.write(api.set_expiry, **desk.mine(key_id), expires_at=until)
    else:
        await desk.shop.write(api.set_label, **desk.mine(key_id), label=text)


Act = Callable[[CallbackQuery, _Desk, KeyPress, FSMContext], Awaitable[None]]
ACTS: Mapping[str, Act] = {
    "new": _new,
    "make": _make,
    "saved": _saved,
    "key": _key,
    "sure": _sure,
    "rotate": _rotate,
    "disable": _disable,
    "scopes": _scopes,
    "resend": _resend,
    "ask": _ask,
}


# Notices


def _unheard(note: Note) -> Said:
    """To the owner of a key: their program does not listen."""
    say = note.speech
    text = say.say(
        "📭 Your program did not hear what we told it about {key}, for about twelve hours ({trouble}). What it missed is kept: open /api to"
        " send it again.",
        key=str(note.body["key"]),
        trouble=str(note.body["trouble"]),
    )
    return text, None


def _unheard_staff(note: Note) -> Said:
    """To the staff: the same."""
    say = note.speech
    text = say.say(
        "📭 The program of reseller {customer} does not listen ({trouble}, key {key}). They have been told, and can send it again.",
        customer=int(note.body["customer"]),
        key=str(note.body["key"]),
        trouble=str(note.body["trouble"]),
    )
    return text, None


def _ends(note: Note) -> Said:
    """To the owner of a key: it ends by itself."""
    say, until = note.speech, instant(int(note.body["until"]))
    facts = {"key": str(note.body["key"]), "when": say.when(until)}
    if note.body["over"]:
        said = "⏳ Key {key} ended on {when}: your program cannot buy by it any more. A later last day wakes it again: /api"
        return say.say(said, **facts), None
    return say.say("⏳ Key {key} works until {when}. A later last day, or none, is set by /api.", **facts), None


SAYS: dict[str, Wording] = {"reports-unheard": _unheard, "reports-unheard-staff": _unheard_staff, "api-key-ends": _ends}

ACTIONS = {
    "make-api-key": N_("made key {id} for a program"),
    "rotate-api-key": N_("made a new secret for key {id}"),
    "disable-api-key": N_("disabled key {id}"),
    "set-api-addresses": N_("changed from where key {id} may be used"),
    "set-api-scopes": N_("changed what key {id} may do"),
    "set-api-limit": N_("changed the limit a day of key {id}"),
    "set-api-expiry": N_("changed until when key {id} works"),
    "set-api-callback": N_("changed where reports of key {id} go"),
    "set-api-label": N_("renamed key {id}"),
    "resend-reports": N_("sent reports of key {id} again"),
}
"""How the action log says what was done to keys."""

FIELDS = {
    "scopes": N_("scopes"),
    "form": N_("form"),
    "sandbox": N_("for trying out"),
    "old_until": N_("old secret until"),
    "addresses": N_("addresses"),
    "disabled": N_("disabled"),
    "limit_minor": N_("limit a day"),
    "set": N_("set"),
    "reports": N_("reports"),
    "label": N_("label"),
}
