"""Order numbers: there and back, and one slip of a finger is found."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from core.orders import number_of, order_id_of

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ids = st.integers(1, (1 << 35) - 1)


@given(ids)
def test_a_number_leads_back_to_its_order(order_id: int) -> None:
    number = number_of(order_id)
    assert len(number) == 8 and set(number) <= set(ALPHABET)
    assert order_id_of(number) == order_id


@given(ids)
def test_a_number_is_read_as_people_write_it(order_id: int) -> None:
    """Lower case, with a hash, in groups; O for nought, I and L for one."""
    number = number_of(order_id)
    assert order_id_of(f"# {number[:4].lower()}-{number[4:]} ") == order_id
    assert order_id_of(number.replace("0", "O").replace("1", "I")) == order_id
    assert order_id_of(number.replace("0", "o").replace("1", "l")) == order_id


@given(ids, st.integers(0, 7), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(order_id: int, place: int, typed: str) -> None:
    number = number_of(order_id)
    assume(number[place] != typed)
    assert order_id_of(number[:place] + typed + number[place + 1 :]) is None


def test_every_wrong_character_of_some_numbers_is_found() -> None:
    """All of them, not a sample: a sum modulo 31 over 32 signs would take a nought for a Z."""
    for order_id in range(1, 200):
        number = number_of(order_id)
        for place in range(8):
            for typed in set(ALPHABET) - {number[place]}:
                assert order_id_of(number[:place] + typed + number[place + 1 :]) is None


@given(ids, st.integers(0, 6))
def test_two_swapped_neighbours_are_found(order_id: int, place: int) -> None:
    number = number_of(order_id)
    assume(number[place] != number[place + 1])
    assert order_id_of(number[:place] + number[place + 1] + number[place] + number[place + 2 :]) is None


@given(st.text(max_size=12))
def test_any_text_is_a_number_of_an_order_or_none(text: str) -> None:
    found = order_id_of(text)
    assert found is None or 0 < found < 1 << 35


def test_numbers_do_not_tell_how_many_orders_there_are() -> None:
    """Two orders in a row look nothing like each other."""
    numbers = [number_of(n) for n in range(1, 2001)]
    assert len(set(numbers)) == 2000
    assert sorted(numbers) != numbers
    assert sum(a[:3] == b[:3] for a, b in pairwise(numbers)) < 10
