"""Archives whose files are named as if they lay elsewhere are refused, and any other name is welcome."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.codes_in import CodeLine, Fault, Unreadable, read_codes


def archive(name: str) -> io.BytesIO:
    """A zip with a list of one code, under exactly this name."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        info = zipfile.ZipInfo("x")
        info.filename = name
        packed.writestr(info, "CODE-0001\n")
    content.seek(0)
    return content


@pytest.mark.parametrize(
    "name", ["/etc/codes.txt", "../codes.txt", "a/../../codes.txt", "C:\\codes.txt", "\\\\host\\codes.txt", "..\\codes.txt"]
)
def test_a_name_that_leads_out_of_the_archive_is_refused_as_a_whole(name: str) -> None:
    with pytest.raises(Unreadable) as refused:
        list(read_codes("list.zip", archive(name)))
    assert refused.value.why is Fault.outside_name


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="/\\:\0", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_any_name_is_read_or_refused_and_what_leads_out_is_never_read(folders: list[str]) -> None:
    name = "/".join(folders) + ".txt"
    if ".." in folders[:-1]:
        with pytest.raises(Unreadable) as refused:
            list(read_codes("list.zip", archive(name)))
        assert refused.value.why is Fault.outside_name
        return
    # Only the ending may still make it no list.
    try:
        found = [type(one) for one in read_codes("list.zip", archive(name))]
    except Unreadable:
        found = []
    assert found in ([CodeLine], [])
