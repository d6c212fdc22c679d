"""Props of the tests about joining: an application that is filled in, and people who decide."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from core import onboarding, people
from core.database import Shop
from core.onboarding import Decided, Field, Kind, PaperField, PaperKind, Verdict
from core.people import Customer
from core.storefronts import Storefront
from core.supply import Standing
from tests.stage import numbers, person

ANSWERS = {
    Field.LEGAL: "person",
    Field.NAME: "Ann Blue",
    Field.CONTACT: "@ann_blue",
    Field.GOODS: "Steam cards, 200 a week",
    Field.COUNTRY: "DE",
}
FINE = (PaperKind.PURCHASE, PaperKind.IDENTITY)


async def fills_in(
    shop: Shop,
    customer: Customer,
    *,
    kind: Kind = Kind.OWN_STOCK,
    papers: Sequence[PaperKind] = FINE,
    expires: str = "",
    number: str = "",
    files: Sequence[str] = (),
    **changed: str,
) -> int:
    """A draft with every answer (by the person's own name and contact) and these papers; returns its id."""
    own = {Field.NAME: f"Ann {customer.telegram_id}", Field.CONTACT: f"@ann_{customer.telegram_id}"}
    facts: dict[str, Any] = {"customer_id": customer.id}
    application_id = await shop.write(onboarding.begin, kind=kind, **facts)
    for field, text in {**ANSWERS, **own, **{Field(name): said for name, said in changed.items()}}.items():
        await shop.write(onboarding.put, application_id=application_id, field=field, text=text, **facts)
    for place, one in enumerate(papers):
        unique = files[place] if place < len(files) else f"unique-{next(numbers)}"
        paper_id = await shop.write(
            onboarding.add_paper,
            application_id=application_id,
            file_id=f"file-{unique}",
            file_unique_id=unique,
            file_kind="photo",
            once=f"{customer.telegram_id}:{next(numbers)}",
            **facts,
        )
        said = {PaperField.KIND: one.value, PaperField.SCOPE: "Steam", PaperField.EXPIRES: expires, PaperField.NUMBER: number}
        for what, text in said.items():
            await shop.write(onboarding.describe_paper, paper_id=paper_id, field=what, text=text, **facts)
    return application_id


async def applies(shop: Shop, customer: Customer, *, group_id: int | None = None, **facts: Any) -> int:
    """An application that was sent for the first time; returns its id."""
    application_id = await fills_in(shop, customer, **facts)
    await shop.write(onboarding.send, application_id=application_id, customer_id=customer.id, version=0, group_id=group_id)
    return application_id


async def staff(shop: Shop, storefront: Storefront, *telegram_ids: int) -> list[Customer]:
    """These people run the shop, and have opened the chat."""
    await shop.write(people.set_admins_from_settings, storefront_id=storefront.id, telegram_ids=telegram_ids)
    return [await person(shop, storefront, telegram_id) for telegram_id in telegram_ids]


async def decides(
    shop: Shop, by: Customer, application_id: int, verdict: Verdict = Verdict.APPROVE, *, version: int = 1, **facts: Any
) -> Decided:
    """One reviewer's word; an approval is as new, when nothing else is said."""
    if verdict is Verdict.APPROVE:
        facts.setdefault("standing", Standing.NEW)
    else:
        facts.setdefault("why", "unreadable")
    return await shop.write(
        onboarding.decide,
        application_id=application_id,
        storefront_id=by.storefront_id,
        version=version,
        telegram_id=by.telegram_id,
        verdict=verdict,
        **facts,
    )


async def joins(shop: Shop, storefront: Storefront, customer: Customer, reviewer: Customer, **facts: Any) -> int:
    """A supplier who applied and was approved by one person; returns the supplier's id."""
    decided = await decides(shop, reviewer, await applies(shop, customer, **facts))
    assert decided.supplier_id is not None
    return decided.supplier_id


def in_days(shop: Shop, days: int) -> str:
    """A day from the shop's today, as people type it."""
    return date.fromordinal(shop.tools.clock().date().toordinal() + days).isoformat()
