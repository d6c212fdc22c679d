"""Which codes a list has brought already: a set in few bytes, which answers as any set does."""

from __future__ import annotations

import tracemalloc
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from core.inventory.marks import Marks

# Few different bytes at both ends, so that places are shared, marks agree, and the mark that says "free" comes up.
_few = st.sampled_from([b"\0", b"\1", b"\2", b"\xff"])
_fingerprints = st.builds(
    lambda head, middle, tail, rest: head + b"\0" * 10 + middle + tail + rest,
    st.tuples(_few, _few, _few).map(b"".join),
    _few,
    st.tuples(_few, _few).map(b"".join),
    st.tuples(_few, _few).map(b"".join),
)


def fingerprint(number: int) -> bytes:
    return blake2b(number.to_bytes(8, "little"), digest_size=32).digest()


@given(st.lists(_fingerprints, max_size=200))
def test_a_mark_is_new_once_whatever_other_marks_stand_in_its_way(brought: list[bytes]) -> None:
    marks, seen = Marks(), set[bytes]()
    for one in brought:
        # Sixteen bytes tell codes apart; one that is all zeros is told by the sixteenth that follow its first.
        told = one[:16] if any(one[:16]) else one[1:16] + b"\1"
        assert marks.add(one) is (told not in seen)
        seen.add(told)
        assert len(marks) == len(seen)


def test_none_is_forgotten_or_made_up_while_it_grows() -> None:
    marks, many = Marks(), 10_000
    first = [marks.add(fingerprint(number)) for number in range(many)]
    again = [marks.add(fingerprint(number)) for number in range(many)]
    others = [marks.add(fingerprint(number)) for number in range(many, many + 500)]

    assert all(first) and not any(again) and all(others)
    assert len(marks) == many + 500


def test_a_mark_takes_a_few_bytes_and_no_object_of_its_own() -> None:
    """A million lines are a burden of some tens of megabytes: Python's own set of their fingerprints takes ten times that."""
    many = 8_000
    tracemalloc.start()
    try:
        marks = Marks()
        for number in range(many):
            marks.add(fingerprint(number))
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(marks) == many
    # Between a third and two thirds of the places are taken; while it grows the smaller table stands beside the new one.
    assert held < many * 16 * 3 + 10_000 and peak < many * 16 * 4.5 + 10_000
