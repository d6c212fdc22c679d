"""A program may say everything of a bad code that a person may, and is refused in the same words."""

from __future__ import annotations

from typing import get_args

from core import api
from core.aftersale import NotPromised, Reason
from web.api.models import CaseIn


def test_programs_know_every_reason_for_a_complaint() -> None:
    assert set(get_args(CaseIn.model_fields["reason"].annotation)) == {reason.value for reason in Reason}


def test_a_complaint_about_what_was_not_promised_is_refused_as_other_complaints_are() -> None:
    assert api.band(NotPromised()).name == "case_refused"
