"""Props of the tests about papers that suppliers send from the chat."""

from __future__ import annotations

from typing import Any

from core import onboarding
from core.database import Shop
from core.onboarding import PaperField, PaperKind
from core.people import Customer
from tests.stage import numbers

GROUP = -1_001_234


async def describes(
    shop: Shop,
    supplier_id: int,
    customer: Customer,
    *,
    kind: PaperKind = PaperKind.PURCHASE,
    scope: str = "Steam",
    expires: str = "",
    number: str = "",
    file: str | None = None,
) -> int:
    """A draft of which everything is said; its id."""
    own: dict[str, Any] = {"customer_id": customer.id}
    paper_id = await shop.write(onboarding.begin_another, supplier_id=supplier_id, **own)
    said = {PaperField.KIND: kind.value, PaperField.SCOPE: scope, PaperField.EXPIRES: expires, PaperField.NUMBER: number}
    for field, typed in said.items():
        await shop.write(onboarding.say_of_another, paper_id=paper_id, field=field, text=typed, **own)
    file = file or f"file-{next(numbers)}"
    await shop.write(onboarding.keep_file, paper_id=paper_id, file_id=f"id-{file}", file_unique_id=file, file_kind="photo", **own)
    return paper_id


async def sends(shop: Shop, supplier_id: int, customer: Customer, *, group_id: int | None = GROUP, **facts: Any) -> int:
    """A paper that waits; its id."""
    paper_id = await describes(shop, supplier_id, customer, **facts)
    assert await shop.write(onboarding.send_another, paper_id=paper_id, customer_id=customer.id, group_id=group_id)
    return paper_id
