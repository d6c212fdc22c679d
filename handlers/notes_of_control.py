"""What suppliers and the staff are told when the shop uses its control: strikes, suspensions, switches, complaints, lists, certificates."""

from __future__ import annotations

from core import supply
from core.ports import CertificateState
from core.standing import STRIKE_DAYS, STRIKES_TO_SUSPEND
from handlers.admin.desk import go
from handlers.notes import Note, Said, Wording
from handlers.pieces import Row, bold, keyboard, paragraphs
from locales import N_

_CERTIFICATES = {
    CertificateState.VALID.value: N_("✅ Certificate {number} of {holder} is valid, says its register."),
    CertificateState.INVALID.value: N_("⛔ Certificate {number} of {holder} is not valid, says its register."),
    CertificateState.EXPIRED.value: N_("⌛ Certificate {number} of {holder} has expired, says its register."),
    CertificateState.PENDING.value: N_("⏳ No register has answered about certificate {number} of {holder}. Please look it up and decide."),
}
_COMPLAINTS = {
    "registered": N_("⚖️ {who} has complained about your goods (reference {reference}). They are stopped until the shop has decided."),
    "upheld": N_("⛔ The complaint of {who} (reference {reference}) was upheld: the offers are withdrawn, and unsold codes are void."),
    "rejected": N_("✅ The complaint of {who} (reference {reference}) was rejected: your offers sell again."),
}


async def _name(note: Note) -> str:
    found = await note.shop.read(supply.supplier, int(note.body["supplier"]))
    return found.name if found is not None else "–"


def _to_supplier(note: Note) -> list[Row]:
    return [[go(note.speech.label("🏭 The supplier"), "supplier", int(note.body["supplier"]))]]


async def struck(note: Note) -> Said:
    """A strike was given."""
    body, speech = note.body, note.speech
    facts = {"open": int(body["open"]), "most": STRIKES_TO_SUSPEND, "days": STRIKE_DAYS}
    reason = str(body.get("reason") or "–")
    if body["why"] == "cases":
        given = body["facts"]
        reason = speech.label(
            "{cases} lost complaints of {units} sold", cases=speech.number(int(given["cases"])), units=speech.number(int(given["units"]))
        )
    if body.get("for") == "staff":
        said = speech.say(
            "⚠️ {name} got a strike by itself ({open} of {most}): {reason}", name=bold(await _name(note)), reason=reason, **facts
        )
        return said, keyboard(_to_supplier(note))
    return speech.say(
        "⚠️ Your shop got a strike ({open} of {most}): {reason}. It stands for {days} days; the last one suspends.", reason=reason, **facts
    ), None


async def suspended(note: Note) -> Said:
    """A supplier was suspended."""
    reason, speech = str(note.body.get("reason") or "–"), note.speech
    if note.body.get("for") == "staff":
        return speech.say("⛔ {name} is suspended: {reason}", name=bold(await _name(note)), reason=reason), keyboard(_to_supplier(note))
    return speech.say(
        "⛔ You are suspended: {reason}. Your offers are stopped and payouts wait. Please write to the shop to clear it up.", reason=reason
    ), None


def unsuspended(note: Note) -> Said:
    """The suspension is lifted."""
    return note.speech.say("✅ Your suspension is lifted: your offers sell again, and payouts go on."), None


def switched_off(note: Note) -> Said:
    """A kill switch was pressed."""
    body, speech = note.body, note.speech
    reason = str(body.get("reason") or "–")
    if body.get("for") == "staff":
        said = speech.many(
            "🛑 {n} offer was switched off: {reason}", "🛑 {n} offers were switched off: {reason}", int(body["offers"]), reason=reason
        )
        return said, keyboard([[go(speech.label("🛑 Switches"), "switches")]])
    return speech.say("🛑 The shop has stopped some of your offers for now. They come back when it lifts the stop."), None


def takedown(note: Note) -> Said:
    """A complaint was registered, or decided."""
    body, speech = note.body, note.speech
    facts = {"who": str(body["who"]), "reference": str(body["reference"])}
    if body.get("for") == "staff":
        said = speech.say("⚖️ A complaint of {who} is registered (reference {reference}).", **facts)
        return said, keyboard([[go(speech.label("⚖️ The complaint"), "takedown", int(body["takedown"]))]])
    return speech.say(_COMPLAINTS[str(body["what"])], **facts), None


def swept(note: Note) -> Said:
    """The shelf was compared with a list of codes."""
    body, speech = note.body, note.speech
    said = paragraphs(
        speech.say("🧹 The shelf was compared with the list {name}.", name=bold(str(body["name"]))),
        speech.many("{n} unsold code of ours became void", "{n} unsold codes of ours became void", int(body["voided"])),
    )
    return said, keyboard([[go(speech.label("📋 The list"), "bl-list", int(body["feed"]))]])


def certificate(note: Note) -> Said:
    """A register has answered, or has not for long."""
    body, speech = note.body, note.speech
    said = speech.say(_CERTIFICATES[str(body["state"])], number=str(body["number"]), holder=str(body["holder"]))
    return said, keyboard([[go(speech.label("📜 The certificate"), "cert", int(body["check"]))]])


SAYS: dict[str, Wording] = {
    "struck": struck,
    "suspended": suspended,
    "unsuspended": unsuspended,
    "switched-off": switched_off,
    "takedown": takedown,
    "blacklist-swept": swept,
    "certificate": certificate,
}
