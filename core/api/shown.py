"""An order as the program that made it sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.orders import OrderState, OutsideView


@dataclass(frozen=True, slots=True)
class ApiOrder:
    """`state` is working, done, partly (over, with fewer), failed (over, nothing is charged) or reversed (taken back later).

    `amount_minor` is what is charged for what was delivered, `got` how many units that is; `codes` says that there are codes to fetch.
    `quantity` is what was asked for, `unit_minor` what one costs. `in_chat`: it was ordered there, and that is where its codes went.
    """

    order_id: int
    number: str
    ours: str
    state: str
    amount_minor: int
    currency: str
    got: int
    codes: bool
    note: str
    repeated: bool
    sku_id: int
    quantity: int
    unit_minor: int
    at: datetime
    in_chat: bool = False


def shown(found: OutsideView, *, repeated: bool) -> ApiOrder:
    """The order's own state in the words of the protocol."""
    state, note = _state(found)
    over = state in ("done", "partly", "reversed")
    got = found.units - found.refunded if over else 0
    in_chat = found.key_id is None
    return ApiOrder(
        found.order_id,
        found.number,
        found.ours,
        state,
        found.total_minor if over else 0,
        found.currency,
        got,
        state in ("done", "partly") and got > 0 and not in_chat,
        note or ("it was ordered in the chat, and its codes were sent there" if in_chat else ""),
        repeated,
        found.sku_id,
        found.asked,
        found.unit_minor,
        found.placed_at,
        in_chat,
    )


def _state(found: OutsideView) -> tuple[str, str]:
    if found.state is OrderState.FULFILLING:
        return "working", ""
    if found.state is OrderState.ISSUED and found.held:
        return "working", "the shop is looking at it"
    if found.state is OrderState.REFUNDED:
        # What nobody has fetched was never delivered.
        return ("reversed", "its money was given back") if found.fetched else ("failed", "its money was given back")
    if found.state is not OrderState.ISSUED:
        return "failed", "it could not be delivered, and its money was given back"
    if found.taken_back >= found.units - found.refunded and found.taken_back:
        return "reversed", "its source took it back; please write to the shop"
    if found.taken_back:
        return "partly", f"{found.taken_back} of it were taken back by their source; please write to the shop"
    if found.refunded:
        return "partly", f"{found.refunded} of it were given back"
    if found.units < found.asked:
        return "partly", f"{found.units} of {found.asked} could be had"
    return "done", ""
