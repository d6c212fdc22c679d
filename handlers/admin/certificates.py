"""Certificates that wait for an answer, what registers said of them, and a person's decision."""

from __future__ import annotations

from aiogram import F, Router
from aiogram.types import CallbackQuery, Message

from core import onboarding, standing
from core.catalog import Gone
from core.errors import N_
from core.ports import CertificateState
from core.standing import AnswerView
from handlers.admin.desk import NOTHING, PAGE, QUESTIONS, Asked, Desk, Do, Go, Question, ask, do, go, short_enough
from handlers.pieces import Row, bold, lines, paragraphs
from locales import Safe, Speech

_REASON = 300
STATES = {
    CertificateState.VALID: N_("✅ valid"),
    CertificateState.INVALID: N_("⛔ invalid"),
    CertificateState.EXPIRED: N_("⌛ expired"),
    CertificateState.PENDING: N_("⏳ not answered yet"),
}


def router() -> Router:
    made = Router(name="admin-certificates")
    made.callback_query.register(listed, Go.filter(F.to == "certs"))
    made.callback_query.register(looked_at, Go.filter(F.to == "cert"))
    made.callback_query.register(ask_again, Do.filter(F.act == "cert-ask"))
    return made


async def listed(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    """Certificates, those that wait first."""
    say, page = desk.speech, callback_data.page
    found = await desk.shop.read(standing.checks, offset=page * PAGE, limit=PAGE + 1)
    rows: list[Row] = [
        [go(f"{say.label(STATES[one.state])} · {one.facts.number} · {one.facts.holder}", "cert", one.id)] for one in found[:PAGE]
    ]
    rows += [desk.pages("certs", 0, page, more=len(found) > PAGE), desk.back("supply")]
    text = paragraphs(
        bold(say.label("Certificates")),
        say.say("Registers are asked by themselves, and again when they cannot be reached. Until one answers, nothing counts as genuine."),
        None if found else say.say("There are none yet."),
    )
    await desk.show(press, text, rows)


async def looked_at(press: CallbackQuery, callback_data: Go, desk: Desk) -> None:
    await show_certificate(press, desk, callback_data.id)


async def show_certificate(event: Message | CallbackQuery, desk: Desk, check_id: int) -> None:
    """One certificate: what was handed in, what was answered, and the decision of a person."""
    say, found = desk.speech, await desk.shop.read(standing.check, check_id)
    if found is None:
        raise Gone
    facts = found.facts
    text = paragraphs(
        bold(say.label("Certificate {number}", number=facts.number)),
        lines(
            say.say("State: {state}", state=say.label(STATES[found.state])),
            say.say("Holder: {holder}", holder=facts.holder),
            say.say("Covers: {scope}", scope=facts.scope),
            say.say("Valid until: {day}", day=say.day(facts.expires_on)) if facts.expires_on is not None else None,
        ),
        lines(*(_answer(say, one) for one in found.answers[-6:])) if found.answers else None,
    )
    rows: list[Row] = [
        [
            ask(say.label("✅ It is valid"), "cert.decide", found.id, arg=CertificateState.VALID.value, style="success"),
            ask(say.label("⛔ It is not"), "cert.decide", found.id, arg=CertificateState.INVALID.value, style="danger"),
        ],
        [do(say.label("🔁 Ask the registers again"), "cert-ask", found.id)],
        desk.back("certs"),
    ]
    await desk.show(event, text, rows)


_FACTS = {
    "number": N_("number"),
    "holder": N_("holder"),
    "scope": N_("covers"),
    "expires_on": N_("valid until"),
    "state": N_("state"),
    "reason": N_("reason"),
    "why": N_("why"),
}
# What our own registers answer by a word; what others write stands in quotes, as they wrote it.
_ANSWERS = {
    ("why", "another holder"): N_("It is written down for another holder."),
    ("why", "not in the register"): N_("The register does not have it."),
    ("reached", "no"): N_("The register could not be reached."),
}


def _fact(say: Speech, name: str, value: str) -> str:
    """One thing that a register said, in the reader's language as far as the words are ours."""
    if (name, value) in _ANSWERS:
        return say.label(_ANSWERS[name, value])
    return f"{say.label(_FACTS[name]) if name in _FACTS else name}: “{value}”"


def _answer(say: Speech, one: AnswerView) -> Safe:
    facts = "; ".join(_fact(say, name, value) for name, value in one.facts.items())
    return say.say(
        "• {when}, {register}: {state} {facts}",
        when=say.when(one.at),
        register=one.register,
        state=say.label(STATES[one.state]),
        facts=facts,
    )


async def ask_again(press: CallbackQuery, callback_data: Do, desk: Desk) -> None:
    await desk.shop.write(onboarding.decide_certificate, check_id=callback_data.id, state=CertificateState.PENDING, reason="", by=desk.by)
    await press.answer(desk.speech.label("The registers are asked again."))
    await show_certificate(press, desk, callback_data.id)


def _state(arg: str) -> CertificateState:
    """What a person may say of a certificate; raises Gone."""
    if arg not in (CertificateState.VALID.value, CertificateState.INVALID.value):
        raise Gone
    return CertificateState(arg)


async def _ask_decide(desk: Desk, asked: Asked) -> Safe:
    say = desk.speech
    return say.say(
        "You say that it is {state}. Please type where you have looked it up, or - for nothing.", state=say.label(STATES[_state(asked.arg)])
    )


async def _take_decide(desk: Desk, message: Message, asked: Asked, text: str) -> None:
    reason = "" if text == NOTHING else short_enough(text, _REASON)
    await desk.shop.write(onboarding.decide_certificate, check_id=asked.id, state=_state(asked.arg), reason=reason, by=desk.by)
    await show_certificate(message, desk, asked.id)


QUESTIONS["cert.decide"] = Question(_ask_decide, _take_decide, "cert")
