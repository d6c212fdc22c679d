"""Order numbers as people read them: eight letters and digits that do not tell how many orders there are."""

from __future__ import annotations

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U.
_BITS = 35
_MASK = (1 << _BITS) - 1
_FACTOR = 0x5A3C1E7B5 | 1  # odd, so that it has an inverse modulo a power of two
_INVERSE = pow(_FACTOR, -1, 1 << _BITS)
_SHIFT = 0x2B5D3C1A9
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_DOUBLED = [(value << 1) ^ (0b100101 if value & 16 else 0) for value in range(32)]
_READ_AS = str.maketrans("ILOU", "110V")


def number_of(order_id: int) -> str:
    """The public number of an order: seven characters of it and one that checks them."""
    assert 0 < order_id <= _MASK, "order ids fit 35 bits"
    mixed = (order_id * _FACTOR + _SHIFT) & _MASK
    body = _PAIRS[mixed >> 25] + _PAIRS[mixed >> 15 & 1023] + _PAIRS[mixed >> 5 & 1023] + _ALPHABET[mixed & 31]
    return body + _check(body)


def order_id_of(number: str) -> int | None:
    """The order's id, or None when the text is no order number (a typing error is found by the last character)."""
    plain = number.strip().upper().lstrip("#").replace("-", "").replace(" ", "").translate(_READ_AS)
    if len(plain) != 8 or any(character not in _ALPHABET for character in plain) or _check(plain[:7]) != plain[7]:
        return None
    mixed = 0
    for character in plain[:7]:
        mixed = mixed << 5 | _ALPHABET.index(character)
    return ((mixed - _SHIFT) * _INVERSE & _MASK) or None


def _check(body: str) -> str:
    """Each place weighs another power of two in the field of 32 elements, so one wrong or two swapped characters change the sum."""
    total = 0
    for character in body:
        total = _DOUBLED[total] ^ _VALUES[character]
    return _ALPHABET[_DOUBLED[total]]
