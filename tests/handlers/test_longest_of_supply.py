"""The longest of everything that an applicant can type is still one message, with the decision at its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import onboarding
from core.database import Shop
from core.onboarding import ApplicationState, CheckKind, CheckResult, Verdict
from core.onboarding.queries import ApplicationView, CheckView, DecisionView, PaperView
from core.onboarding.rules import LONGEST, LONGEST_REASON, MOST_NUMBER, MOST_PAPERS, MOST_SCOPE, Field
from core.storefronts import Storefront
from handlers.admin.application_card import card_text
from handlers.pieces import TEXT, shown_length, within
from handlers.supply.applying import summary
from locales import Speech, languages
from tests.stage import person

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def _longest(letter: str, customer_id: int, storefront_id: int) -> ApplicationView:
    paper = PaperView(
        1, 7, "file", "document", onboarding.PaperKind.AUTHORISATION, letter * MOST_SCOPE, date(2199, 12, 31), letter * MOST_NUMBER, None
    )
    ids = [10**9] * 5
    facts: dict[CheckKind, dict[str, Any]] = {
        CheckKind.PERSON: {"refused": ids},
        CheckKind.NAME: {"applications": ids, "suppliers": [letter * 200] * 5},
        CheckKind.CONTACT: {"applications": ids, "refused": ids},
        CheckKind.SAME_PAPER: {"applications": ids},
        CheckKind.WORDS: {"words": [letter * 200] * 5},
        CheckKind.CERTIFICATE: {"numbers": [letter * 64] * 5, "register": letter * 200},
    }
    return ApplicationView(
        id=7,
        storefront_id=storefront_id,
        customer_id=customer_id,
        telegram_id=10**12,
        kind=onboarding.Kind.STUDIO,
        legal=onboarding.Legal.COMPANY,
        name=letter * LONGEST[Field.NAME],
        contact=letter * LONGEST[Field.CONTACT],
        goods=letter * LONGEST[Field.GOODS],
        country="GB",
        state=ApplicationState.SENT,
        version=3,
        revision=9,
        reviewers_needed=2,
        began_at=NOW,
        changed_at=NOW,
        sent_at=NOW,
        decided_at=None,
        why=None,
        why_text=None,
        supplier_id=None,
        papers=(paper,) * MOST_PAPERS,
        checks=tuple(CheckView(what, CheckResult.WARN, facts.get(what, {}), None) for what in CheckKind),
        decisions=(DecisionView("telegram:1", Verdict.SEND_BACK, None, None, letter * LONGEST_REASON, NOW),),
    )


@pytest.mark.parametrize("letter", ["W", "长", "😀", "&"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_the_longest_application_is_one_message_for_applicant_and_staff(shop: Shop, storefront: Storefront, letter: str) -> None:
    customer = await person(shop, storefront)
    found = _longest(letter, customer.id, storefront.id)
    for speech in map(Speech, languages()):
        for state in (ApplicationState.SENT, ApplicationState.SENT_BACK):
            text, _ = summary(replace(found, state=state), speech)
            assert shown_length(text) <= TEXT
        if letter != "😀":
            assert "12." in text, "each paper is named"
        card = await card_text(shop, found, speech)
        assert shown_length(card) <= TEXT and "⏳" in card[-120:], "what is still needed stands at the end"


@given(st.text(alphabet="ab&<>😀\n", max_size=200), st.integers(5, 60))
def test_what_is_too_long_is_cut_between_lines_and_outside_of_tags(said: str, most: int) -> None:
    from handlers.pieces import bold, lines, paragraphs

    text = paragraphs(bold(said), lines(bold("a"), bold(said)), "plain")
    cut = within(text, most)
    assert shown_length(cut) <= most
    assert cut.count("<b>") == cut.count("</b>")
    assert cut == text or cut.endswith("…")
