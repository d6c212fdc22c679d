"""Which codes a list has brought already, in a few bytes each: a list of a million is no burden."""

from __future__ import annotations

_BYTES = 16  # of a fingerprint: two codes of one shop that agree in so many do not happen
_FREE = bytes(_BYTES)


class Marks:
    """A set of fingerprints that takes 16 bytes for each place, at most two thirds of them taken; Python's own takes ten times that."""

    __slots__ = ("_count", "_places", "_table")

    def __init__(self) -> None:
        self._count, self._places = 0, 1 << 10
        self._table = bytearray(self._places * _BYTES)

    def __len__(self) -> int:
        return self._count

    def add(self, fingerprint: bytes) -> bool:
        """Note it; False when it was noted before."""
        mark = fingerprint[:_BYTES]
        if mark == _FREE:
            mark = fingerprint[1:_BYTES] + b"\1"  # All zeros says that a place is free.
        at = self._place(mark)
        if self._table[at : at + _BYTES] == mark:
            return False
        self._table[at : at + _BYTES] = mark
        self._count += 1
        if self._count * 3 > self._places * 2:
            self._grow()
        return True

    def _place(self, mark: bytes) -> int:
        """Where it stands, or would stand."""
        table, last = self._table, self._places - 1
        # A fingerprint is as good as random, so its own bytes say where.
        number = int.from_bytes(mark[:6], "little") & last
        while (found := table[(at := number * _BYTES) : at + _BYTES]) != _FREE and found != mark:
            number = (number + 1) & last
        return at

    def _grow(self) -> None:
        old = self._table
        self._places *= 2
        self._table = bytearray(self._places * _BYTES)
        for begin in range(0, len(old), _BYTES):
            mark = bytes(old[begin : begin + _BYTES])
            if mark != _FREE:
                at = self._place(mark)
                self._table[at : at + _BYTES] = mark
