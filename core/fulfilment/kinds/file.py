"""A file: the shop keeps the original, each buyer gets a copy with a licence number of their own in it."""

from __future__ import annotations

from typing import Any

from core.errors import N_
from core.fulfilment.kind import Kind, Number, Terms, Text


class FileKind(Kind):
    name = "file"
    title = N_("File")
    about = N_("You send the original once; each buyer gets a copy with a licence number of their own.")
    from_shelf = False
    for_programs = None  # Telegram keeps the original
    by_bot = True
    numbers = (
        Number("promise_hours", N_("Hours until it is sent"), 1, 48, 2),
        Number("size", N_("Bytes"), 1, 2 * 10**9, 1),
    )
    texts = (
        Text("file_id", N_("The file"), needed=True, typed=False),
        Text("file_name", N_("Name of the file"), typed=False),
        Text("licence", N_("Licence terms, shown to buyers")),
    )
    switches = (("watermark", N_("Write the order's number into each copy")),)

    def words(self, terms: Terms) -> list[tuple[str, dict[str, Any]]]:
        said: list[tuple[str, dict[str, Any]]] = [
            (N_("The file {name}, as a message in this chat."), {"name": str(terms.get("file_name") or "…")})
        ]
        if terms.get("watermark"):
            said.append((N_("Your copy carries the number of your order."), {}))
        if terms.get("licence"):
            said.append((N_("Licence terms: {terms}"), {"terms": str(terms["licence"])}))
        return said


KIND = FileKind()
