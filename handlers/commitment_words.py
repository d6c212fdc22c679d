"""How a commitment is told, to the staff and to its supplier alike: who promised what until when, and how it stands or ended."""

from __future__ import annotations

from core import supply
from core.catalog import Gone
from core.supply import CommitmentReport, Precedence, Promise
from handlers.admin.desk import go
from handlers.admin.offers import name_of
from handlers.notes import Note, Said, Wording
from handlers.pieces import bold, keyboard, lines, paragraphs
from handlers.supply.desk import see
from locales import N_, Safe, Speech

_DRAWN = {
    Precedence.EXCLUSIVE: N_("🤝 {n} units until {when}. While some are left, no other source is sold."),
    Precedence.PRIORITY: N_("🤝 {n} units until {when}. They are sold before those of all other sources."),
}
_PROMISED = {
    Promise.SUPPLIER: N_("The supplier has promised to bring them."),
    Promise.SHOP: N_("The shop has promised to sell them."),
    Promise.BOTH: N_("The supplier has promised to bring them, and the shop to sell them."),
}


def told(say: Speech, found: CommitmentReport) -> Safe:
    """The report of a commitment: the promise, what was drawn and brought, what is short, and whose fault that is."""
    return lines(
        say.say(_DRAWN[found.precedence], n=say.number(found.quantity), when=say.when(found.until)),
        say.say(_PROMISED[found.promised_by]),
        say.say("It begins on {when}.", when=say.when(found.from_at)) if found.made_at < found.from_at else None,
        say.say(
            "Sold so far: {drawn} of {quantity}. Brought: {brought}.",
            drawn=say.number(found.drawn),
            quantity=say.number(found.quantity),
            brought=say.number(found.brought),
        ),
        say.say("Asked for and not brought: {n}.", n=say.number(found.failed)) if found.failed else None,
        *_how(say, found),
    )


def _how(say: Speech, found: CommitmentReport) -> list[Safe]:
    """How it stands, or how it ended."""
    short = [
        *([say.say("The supplier is short of {n} units.", n=say.number(found.supplier_short))] if found.supplier_short else []),
        *([say.say("The shop is short of {n} units.", n=say.number(found.shop_short))] if found.shop_short else []),
    ]
    if found.closed_at is None:
        if not short:
            return [say.say("🟢 Everything that was promised is there.")]
        return [say.say("⏳ It still runs. If it ended now:"), *short]
    if found.called_off:
        return [say.say("⏹ It was called off on {when}.", when=say.when(found.closed_at))]
    if not short:
        return [say.say("✅ It ended, and everything that was promised was kept.")]
    return [say.say("⚠️ It ended in breach."), *short]


async def about(note: Note) -> tuple[CommitmentReport, Safe]:
    """The report that a note is about, and what it is of."""
    [found] = await note.shop.read(supply.commitment_reports, commitment_id=int(note.body["commitment"]))
    try:
        _, name = await name_of(note.shop, note.speech, found.sku_id)
    except Gone:
        name = "–"
    return found, bold(f"{found.supplier_name} › {name}")


_TITLES = {
    "committed": N_("🤝 The shop has written down what you have agreed:"),
    "commitment-off": N_("⏹ This commitment has been called off:"),
    "commitment-breach": N_("⚠️ A commitment has ended, and not all of it was kept:"),
}


async def noted(note: Note) -> Said:
    """A commitment was made, called off, or ended in breach."""
    speech = note.speech
    found, name = await about(note)
    text = paragraphs(speech.say(_TITLES[str(note.body["says"])]), lines(name, told(speech, found)))
    if note.body.get("for") == "staff":
        return text, keyboard([[go(speech.label("🤝 The commitment"), "commit", found.id)]])
    return text, keyboard([[see(speech.label("🤝 Commitments"), "promised", found.supplier_id)]])


SAYS: dict[str, Wording] = dict.fromkeys(_TITLES, noted)
