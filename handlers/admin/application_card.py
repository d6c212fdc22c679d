"""The card of an application: what it says, what was checked by itself, who decided what, and its buttons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardMarkup
from pydantic import Field

from core import onboarding, people
from core.database import Shop
from core.onboarding import (
    STANDINGS,
    ApplicationState,
    ApplicationView,
    CardView,
    CheckKind,
    CheckResult,
    CheckView,
    DecisionView,
    Verdict,
)
from core.onboarding import Field as Asks
from handlers.callbacks import Number, Short
from handlers.pieces import Row, bold, button, clipped, fitting, keyboard, lines, paragraphs, plain
from handlers.supply.words import FIELDS, PAPERS, paper_line, reason_of, until, value_of
from handlers.supply.words import STANDINGS as CALLED
from locales import N_, Safe, Speech

_GOODS, _NAMES = 500, 80
MARKS = {CheckResult.OK: "✅", CheckResult.WARN: "⚠️", CheckResult.FAIL: "❌", CheckResult.PENDING: "⏳"}
CHECKS = {
    CheckKind.PERSON: N_("Person"),
    CheckKind.NAME: N_("Name"),
    CheckKind.CONTACT: N_("Contact"),
    CheckKind.SAME_PAPER: N_("Papers of others"),
    CheckKind.MISSING: N_("Papers of this kind"),
    CheckKind.EXPIRY: N_("Validity of papers"),
    CheckKind.WORDS: N_("Banned words"),
    CheckKind.CERTIFICATE: N_("Certificate"),
}
# What is said of suppliers: who is called as the applicant is, and whose paper it is.
_CALLED = {"suppliers": N_("called like the supplier {list}"), "suspended": N_("called like the suspended supplier {list}")}
_OF = {"suppliers": N_("a paper of the supplier {list}"), "suspended": N_("a paper of the suspended supplier {list}")}
# What a person looks at besides what was checked by itself.
LOOK_AT = {
    CheckKind.PERSON: N_("Open the chat of the applicant: does the account look lived in?"),
    CheckKind.NAME: N_("Is the name the one on the papers?"),
    CheckKind.CONTACT: N_("Write to the contact: does the same person answer?"),
    CheckKind.SAME_PAPER: N_("Do the papers look genuine and whole?"),
    CheckKind.MISSING: N_("Are the papers enough for these goods?"),
    CheckKind.EXPIRY: N_("Are the days on the papers the ones that were typed?"),
    CheckKind.WORDS: N_("May these goods be sold here at all?"),
    CheckKind.CERTIFICATE: N_("Look the number up at its register, and say below what it says."),
}


class Review(CallbackData, prefix="apr"):
    """A press on a card: in the reviewer's own chat, or in the group."""

    act: Annotated[str, Field(max_length=8)]
    id: Number
    version: Short
    arg: Annotated[str, Field(max_length=24)] = ""


async def card_drawn(shop: Shop, card: CardView, speech: Speech) -> tuple[Safe, InlineKeyboardMarkup | None]:
    """What a card says at this moment."""
    found = await shop.read(onboarding.application, card.application_id)
    assert found is not None, "a card is of an application"
    if card.version < found.version:
        return paragraphs(
            _heading(found, speech, card.version),
            speech.say("🔁 It was sent again since. The newer card is below."),
        ), None
    text = await card_text(shop, found, speech)
    return text, keyboard(card_buttons(found, speech))


def _heading(found: ApplicationView, speech: Speech, version: int) -> Safe:
    if version > 1:
        return speech.say("📋 <b>Application {id}</b>, sent for the {n}. time", id=found.id, n=speech.number(version))
    return speech.say("📋 <b>Application {id}</b>", id=found.id)


async def card_text(shop: Shop, found: ApplicationView, speech: Speech, *, checklist: bool = False) -> Safe:
    customer = await shop.read(people.by_id, found.customer_id)
    decided = await _decided(shop, found, speech)
    who = f"{customer.name} @{customer.username}" if customer.username else customer.name

    def drawn(most: int) -> Safe:
        """With each answer cut to that length, and what is said of papers to a fifth of it."""
        facts = []
        for field in Asks:
            value = value_of(found, field, speech, most)
            if value is not None:
                facts.append(speech.say("{what}: {value}", what=speech.label(FIELDS[field]), value=value))
        scope = max(12, min(_NAMES, most // 5))
        checks = [check_line(one, speech, checklist=checklist, most=min(200, most)) for one in found.checks]
        papers = [
            speech.say("{n}. {paper}", n=speech.number(n), paper=paper_line(one, speech, scope)) for n, one in enumerate(found.papers, 1)
        ]
        return paragraphs(
            _heading(found, speech, found.version),
            lines(*facts, speech.say("From: {who} ({telegram_id})", who=clipped(who, _NAMES), telegram_id=found.telegram_id)),
            lines(speech.say("Papers:"), *papers) if papers else speech.say("No papers."),
            lines(*checks) if checks else None,
            decided,
        )

    return fitting(drawn, _GOODS)


def check_line(one: CheckView, speech: Speech, *, checklist: bool, most: int = 200) -> Safe:
    said = speech.say("{mark} {what}", mark=MARKS[one.result], what=speech.label(CHECKS[one.what]))
    fact = _fact(one, speech, most)
    line = said + Safe(": ") + fact if fact is not None else said
    return lines(line, Safe("<i>") + speech.say(LOOK_AT[one.what]) + Safe("</i>")) if checklist else line


def _fact(one: CheckView, speech: Speech, most: int) -> Safe | None:
    """What was found, in words; what others typed is cut to that length."""
    facts, told = one.facts, []
    if facts.get("banned"):
        told.append(
            speech.say("a supplier of theirs is suspended")
            if one.what is CheckKind.PERSON and facts["banned"] == ["suspended"]
            else plain(", ".join(facts["banned"]), most)
        )
    if facts.get("refused"):
        told.append(speech.say("refused before: {list}", list=_numbers(facts["refused"])))
    if facts.get("applications"):
        told.append(speech.say("the same as in application {list}", list=_numbers(facts["applications"])))
    for which in ("suppliers", "suspended"):
        if facts.get(which):
            says = _CALLED[which] if one.what is CheckKind.NAME else _OF[which]
            told.append(speech.say(says, list=clipped(", ".join(facts[which]), min(_NAMES, most))))
    if facts.get("brands"):
        told.append(speech.say("only for authorised suppliers: {list}", list=plain(", ".join(facts["brands"]), most)))
    if facts.get("papers"):
        groups = [" / ".join(speech.label(PAPERS[onboarding.PaperKind(kind)]) for kind in group) for group in facts["papers"]]
        told.append(speech.say("missing: {list}", list=", ".join(groups)))
    if facts.get("day"):
        told.append(plain(until(date.fromisoformat(facts["day"]), speech)))
    if facts.get("words"):
        told.append(plain(", ".join(facts["words"]), most))
    if facts.get("numbers"):
        told.append(plain(", ".join(facts["numbers"]), most))
    if one.what is CheckKind.CERTIFICATE and one.result is CheckResult.PENDING:
        told.append(speech.say("no register has answered yet"))
    if facts.get("register"):
        told.append(plain(str(facts["register"]), most))
    elif one.settled_by is not None:
        told.append(speech.say("looked up by hand"))
    return Safe("; ").join(told) if told else None


def _numbers(ids: Sequence[int]) -> str:
    return ", ".join(str(one) for one in ids)


async def _decided(shop: Shop, found: ApplicationView, speech: Speech) -> Safe:
    """Who decided what, and what is still needed."""
    said = [_decision(one, await name_of_staff(shop, found.storefront_id, one.by), speech) for one in found.decisions]
    approvals = sum(one.verdict is Verdict.APPROVE for one in found.decisions)
    more = found.reviewers_needed - approvals
    state = None
    if found.state is ApplicationState.SENT:
        if approvals:
            state = speech.say("⏳ <b>One more reviewer has to approve, another person than the first.</b>")
        elif more > 1:
            state = speech.say("⏳ <b>Two different people have to approve this one.</b>")
        else:
            state = speech.say("⏳ <b>Waits for a decision.</b>")
    elif found.state is ApplicationState.APPROVED:
        state = speech.say("✅ <b>Approved.</b> Supplier {id}", id=found.supplier_id)
    elif found.state is ApplicationState.SENT_BACK:
        state = speech.say("↩️ <b>Sent back.</b> The applicant changes it.")
    elif found.state is ApplicationState.REFUSED:
        state = speech.say("🚫 <b>Refused.</b>")
    elif found.state is ApplicationState.WITHDRAWN:
        state = speech.say("🏳️ <b>Withdrawn by the applicant.</b>")
    return lines(*said, state)


def _decision(one: DecisionView, who: str, speech: Speech) -> Safe:
    facts = {"who": bold(clipped(who, _NAMES)), "when": speech.when(one.at)}
    if one.verdict is Verdict.APPROVE and one.standing is not None:
        return speech.say("👤 {who} approved it as {standing}, {when}", standing=speech.label(CALLED[one.standing]), **facts)
    reason = reason_of(one.why, one.why_text, speech, 300) or Safe("–")
    if one.verdict is Verdict.SEND_BACK:
        return speech.say("👤 {who} sent it back, {when}: {reason}", reason=reason, **facts)
    return speech.say("👤 {who} refused it, {when}: {reason}", reason=reason, **facts)


async def name_of_staff(shop: Shop, storefront_id: int, by: str) -> str:
    source, _, telegram_id = by.partition(":")
    if source == "telegram" and telegram_id.isdigit():
        found = await shop.read(people.find, storefront_id=storefront_id, telegram_id=int(telegram_id))
        if found is not None:
            return found.name
    return by


def card_buttons(found: ApplicationView, speech: Speech) -> list[Row]:
    def press(label: str, act: str, arg: str = "", style: str | None = None) -> Any:
        return button(label, Review(act=act, id=found.id, version=found.version, arg=arg), style)

    rows: list[Row] = []
    if found.state is ApplicationState.SENT:
        agreed = [one.standing for one in found.decisions if one.standing is not None]
        rows += [
            [press(speech.label("✅ Approve as {standing}", standing=speech.label(CALLED[standing])), "yes", standing.value, "success")]
            for standing in agreed[:1] or STANDINGS[found.kind]
        ]
        rows.append([press(speech.label("↩️ Send back"), "backs"), press(speech.label("🚫 Refuse"), "nos", style="danger")])
    looks = [press(speech.label("📎 Papers ({n})", n=speech.number(len(found.papers))), "papers")] if found.papers else []
    rows.append([*looks, press(speech.label("☑️ Checklist"), "checks")])
    return rows
