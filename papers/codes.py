"""What reading a list of codes can give: a code, a line that is refused and why, or a whole file that cannot be read."""

from dataclasses import dataclass
from enum import StrEnum

MIB = 1024 * 1024


class Why(StrEnum):
    """Why one line was refused. The words for people belong to the caller, in the language of the reader."""

    empty_column = "empty_column"  # the number or the password is missing between its separators
    missing_column = "missing_column"  # the list has two columns and this line has one
    too_many_columns = "too_many_columns"
    too_long = "too_long"
    control_characters = "control_characters"  # invisible characters inside the code
    not_text = "not_text"  # bytes that are no text in the encoding of the file
    broken_quotes = "broken_quotes"
    missing_label = "missing_label"  # in a list of "number: … password: …" lines, one without a label
    above_header = "above_header"  # a title above the header row
    formula = "formula"
    date = "date"
    number_lost_digits = "number_lost_digits"  # a spreadsheet keeps 15 digits of a number; the rest is gone
    not_a_whole_number = "not_a_whole_number"
    not_licensed = "not_licensed"  # a key for several people that may not be sold so
    not_a_code = "not_a_code"  # true, false or an error value in a spreadsheet cell


class Fault(StrEnum):
    """Why a whole file was refused."""

    unknown_format = "unknown_format"
    encrypted_archive = "encrypted_archive"
    nested_archive = "nested_archive"
    outside_name = "outside_name"  # a file in the archive is named as if it lay outside it
    too_big = "too_big"
    too_many_members = "too_many_members"
    expands_too_far = "expands_too_far"
    too_many_rows = "too_many_rows"
    header_unclear = "header_unclear"  # two columns claim to be the number, or the password
    not_text = "not_text"
    empty = "empty"
    damaged = "damaged"


class Unreadable(Exception):
    """The file as a whole cannot be read: `why`, and in which `member` of an archive. It quotes no content."""

    def __init__(self, why: Fault, member: str | None = None) -> None:
        super().__init__(f"{why.value} in {member!r}" if member else why.value)
        self.why = why
        self.member = member


@dataclass(frozen=True, slots=True, repr=False)
class CodeLine:
    """One code as it was found: the line (or row) counts from 1 within its file; at least one of number and password is there."""

    line: int
    card_no: str | None
    card_pwd: str | None
    member: str | None = None
    more: tuple[tuple[str, str], ...] = ()  # what stands in further columns, with their headings

    def __repr__(self) -> str:
        parts = [f"line={self.line}"]
        parts += [f"{name}=…" for name in ("card_no", "card_pwd") if getattr(self, name) is not None]
        return f"CodeLine({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class BadLine:
    """One refused line. It carries no content, since a malformed line usually still holds most of a secret."""

    line: int
    why: Why
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one file may ask of us. The defaults leave room for 200,000 codes and stop a bomb within a second or two."""

    file_bytes: int = 64 * MIB  # as it came; a bot can fetch 20 MB, the command line more
    expanded_bytes: int = 128 * MIB  # everything unpacked, all members of an archive together
    ratio: int = 100  # unpacked : packed, looked at once `ratio_from_bytes` are unpacked
    ratio_from_bytes: int = 1 * MIB
    members: int = 100  # files in one archive
    rows: int = 200_000  # codes and refused lines
    lines: int = 1_100_000  # with blank ones: a sheet formatted to its last row has 1,048,576
    line_chars: int = 4096
    code_chars: int = 512
    shared_strings: int = 1_000_000  # distinct texts of a workbook, the only part that must be held in memory
    sample_lines: int = 200  # looked at before the separator is decided


class Meter:
    """Counts what is unpacked from one file, so that a bomb is noticed while it is still small."""

    def __init__(self, packed_bytes: int, limits: Limits) -> None:
        self.packed_bytes, self.limits = packed_bytes, limits
        self.unpacked = 0

    def add(self, count: int) -> None:
        self.unpacked += count
        too_much = self.unpacked > self.limits.expanded_bytes
        too_steep = self.unpacked > self.limits.ratio_from_bytes and self.unpacked > self.limits.ratio * self.packed_bytes
        if too_much or too_steep:
            raise Unreadable(Fault.expands_too_far)
