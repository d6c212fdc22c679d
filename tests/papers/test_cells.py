"""A text in a csv cell is never run as a formula, and comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.cells import guarded, restored


@given(st.text())
def test_what_is_guarded_comes_back_exactly(text: str) -> None:
    assert restored(guarded(text)) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1", "'=1"])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert guarded(text) == "'" + text


@pytest.mark.parametrize("text", ["ABC-1", "'quoted", "", "卡密", "0012"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert guarded(text) == text
    assert restored(text) == text
