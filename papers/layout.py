"""Where the number and the password stand in a line of a merchant's list: decided once per file, from its first lines.

The rules, in the order they are tried:

1. A header row (卡号, 卡密, 密码, card_no, password, pin, code …) within the first five lines names the columns and, by its
   separator, the separator of the file. Columns with other names are left out. Lines above it are refused, never taken for codes.
2. Labelled lines, `卡号: XXX 卡密: YYY`, when at least half of the lines begin with a label. A line with a number alone takes its
   password from the next line.
3. A separator – tab, `----`, `|`, comma, semicolon (also full-width) – when at least half of the lines have it; the most
   frequent one wins, a draw goes by this order. Every line must then have exactly two columns, both filled.
4. Blanks separate only when every line looked at has exactly two pieces. `1234 5678 9012` is one code, written in groups.
5. Otherwise a line is one code, kept as it stands. A code without a number is a password (the secret part).

Quotes, guards against formulas (`'=…` and `="0012"`) are undone where comma, semicolon or tab separate, and in files named .csv.
"""

import csv
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from papers.cells import restored
from papers.codes import Fault, Unreadable, Why

HEADER_WITHIN = 5
LONGEST_ATTRIBUTE = 100  # characters of what stands in a further column
MOST_ATTRIBUTES = 10

# Blanks and invisible marks that cling to the ends of a pasted code and never belong to it.
EDGES = " \t\r\n\u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
EDGES += "".join(map(chr, range(0x2000, 0x200B)))

_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb]")
_DAMAGED = "\ufffd"

_NUMBERS = """
    卡号 卡號 账号 帐号 帳號 账户 用户名 券号 卡券号 卡片号码 cardno cardnumber number account username
    login номер номеркарты логин
"""
_PASSWORDS = """
    卡密 密码 密碼 卡密码 卡片密码 卡券密码 口令 cardpwd cardpassword cardpin password passwd pwd pass pin pincode
    secret пароль пин пинкод
"""
# These are the number when a password stands beside them, and the secret when they stand alone.
_CODES = """
    兑换码 兌換碼 激活码 激活碼 充值码 充值碼 礼品码 序列号 券码 提货码 密钥 卡码
    cdkey cdk key code codes cardcode serial serialnumber serialno licensekey license giftcode redeemcode
    voucher vouchercode activationcode код ключ
"""
_WORDS = {"number": _NUMBERS, "password": _PASSWORDS, "code": _CODES}
_ROLES = {word: role for role, words in _WORDS.items() for word in words.split()}
_NOISE = re.compile(r"[\s_\-:：./#*\"'()（）]+")

_LABEL_WORDS = sorted(_ROLES.keys() - {"pass", "login", "key"}, key=len, reverse=True)
_HAN = "\u4e00-\u9fff"
_LABEL = re.compile(
    # A Chinese label may follow a code without a blank (`卡号：XXX卡密：YYY`) but not another Chinese character (`充值卡密`).
    f"(?P<label>(?<![{_HAN}])(?:" + "|".join(word for word in _LABEL_WORDS if not word.isascii() and re.match(f"[{_HAN}]", word)) + ")"
    r"|(?<![^\W_])(?:"
    + "|".join([word for word in _LABEL_WORDS if not re.match(f"[{_HAN}]", word)])
    + r"|card[ _]?(?:no|number|pwd|password|pin|code)\.?|(?:pin|gift)[ _]code))"
    rf"\s*(?:[:：=]|(?<=[{_HAN}])(?=\s))\s*",
    re.IGNORECASE,
)
_LABEL_FIRST = re.compile(r"^\W{0,3}(?:\d{1,6}[.、)）]\s*)?$")
_AFTER_VALUE = re.compile(r"\s*(?:[,，;；|｜/]|-{3,}|—{2,})?\s*$")
_DASHES = re.compile(r"-{3,}|—{2,}")


def column_role(cell: str) -> str | None:
    """What a header cell or a label names: "number", "password", "code", or None when it is neither of them."""
    return _ROLES.get(_NOISE.sub("", cell.strip(EDGES)).casefold()) if len(cell) <= 40 else None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold the number and the password. `width` is how many the header has, 0 where there is no header."""

    number: int | None
    password: int | None
    width: int = 0
    others: tuple[tuple[int, str], ...] = ()  # further columns of a header, with what it calls them

    def more(self, cells: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """What a line says in the further columns; what could not be shown in a chat is left out."""
        return tuple(
            (title, cells[place][:LONGEST_ATTRIBUTE])
            for place, title in self.others
            if place < len(cells) and cells[place] and flaw(cells[place], LONGEST_ATTRIBUTE * 10) is None
        )


def columns_of_header(cells: Sequence[str]) -> Columns | None:
    """The columns that a header names, None when this is no header. Raises Unreadable when two columns claim the same part."""
    roles = [column_role(cell) for cell in cells]
    found = {role: [i for i, r in enumerate(roles) if r == role] for role in ("number", "password", "code")}
    if not any(found.values()):
        return None
    numbers, passwords, codes = found["number"], found["password"], found["code"]
    if numbers:
        passwords = passwords + codes
    elif passwords:
        numbers = codes
    else:
        passwords = codes
    if len(numbers) > 1 or len(passwords) > 1:
        raise Unreadable(Fault.header_unclear)
    named = [(place, cell.strip(EDGES)) for place, (cell, role) in enumerate(zip(cells, roles, strict=True)) if role is None]
    others = tuple((place, title[:30]) for place, title in named if title and flaw(title, 40) is None)[:MOST_ATTRIBUTES]
    return Columns(numbers[0] if numbers else None, passwords[0] if passwords else None, width=len(cells), others=others)


def _like_a_header(cells: Sequence[str]) -> bool:
    # An account whose password is the word "password" is no header: names of columns are short and have no digits.
    return all(len(cell) <= 24 and not any(map(str.isdigit, cell)) for cell in cells)


def flaw(text: str, code_chars: int) -> Why | None:
    """Why a single number or password cannot be a code, None when it can."""
    if _DAMAGED in text:
        return Why.not_text
    if _UNSEEN.search(text):
        return Why.control_characters
    return Why.too_long if len(text) > code_chars else None


Split = Callable[[str], list[str] | None]
"""Cuts one line into its columns; None when its quotes do not close."""


def _unwrapped(cell: str) -> str:
    cell = cell.strip(EDGES)
    if cell.startswith('="') and cell.endswith('"') and len(cell) > 2:
        return cell[2:-1].strip(EDGES)  # How exporters keep a spreadsheet from dropping leading zeros.
    return restored(cell)


def _quoted(separator: str) -> Split:
    def split(line: str) -> list[str] | None:
        if '"' not in line:
            return [_unwrapped(cell) for cell in line.split(separator)]
        try:
            cells = next(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True))
        except (csv.Error, StopIteration):
            return None
        return [_unwrapped(cell) for cell in cells]

    return split


def _plain(separator: str) -> Split:
    return lambda line: [cell.strip(EDGES) for cell in line.split(separator)]


def _dashes(line: str) -> list[str]:
    return [cell.strip(EDGES) for cell in _DASHES.split(line)]


def _blanks(line: str) -> list[str]:
    return line.split()


def _whole(line: str) -> list[str]:
    return [line]


SEPARATORS: dict[str, Split] = {
    "\t": _quoted("\t"),
    "----": _dashes,
    "|": _plain("|"),
    ",": _quoted(","),
    ";": _quoted(";"),
    "，": _plain("，"),
    "；": _plain("；"),
    "｜": _plain("｜"),
}


@dataclass(slots=True)
class Layout:
    """How the lines of one file are read. `parts` gives (number, password) of a line, or why it is refused."""

    split: Split = _whole
    columns: Columns = Columns(None, 0)
    labelled: bool = False
    passwords_are_labelled: bool = False
    header_at: int | None = None  # index of the header among the lines looked at

    def parts(self, line: str, code_chars: int) -> tuple[str | None, str | None] | Why:
        """The number and the password of one stripped line that is not blank."""
        if self.labelled:
            found = _labelled(line)
        else:
            cells = self.split(line)
            found = Why.broken_quotes if cells is None else parts_of(cells, self.columns)
        if isinstance(found, Why):
            return Why.not_text if _DAMAGED in line else found
        for part in found:
            if part is not None and (wrong := flaw(part, code_chars)):
                return wrong
        return found


def more_of(layout: Layout, line: str) -> tuple[tuple[str, str], ...]:
    """What a line of a file with a header says in further columns."""
    if layout.labelled or not layout.columns.others:
        return ()
    return layout.columns.more(layout.split(line) or ())


def parts_of(cells: Sequence[str], columns: Columns) -> tuple[str | None, str | None] | Why:
    """The number and the password among the cells of one line, or why there is no code in it."""
    filled = len(cells)
    while filled and not cells[filled - 1]:
        filled -= 1
    places = [place for place in (columns.number, columns.password) if place is not None]
    if columns.width:
        if filled > columns.width:
            return Why.too_many_columns
    elif filled > len(places):
        return Why.too_many_columns
    elif len(cells) < len(places):
        return Why.missing_column
    number = cells[columns.number] or None if columns.number is not None and columns.number < len(cells) else None
    password = cells[columns.password] or None if columns.password is not None and columns.password < len(cells) else None
    if password is None and (columns.password is not None or number is None):
        return Why.empty_column  # A card whose password is missing is half a card.
    if number is None and columns.number is not None and not columns.width:
        return Why.empty_column  # Under a header a number may be left out: products with and without one share a list.
    return number, password


def _labelled(line: str) -> tuple[str | None, str | None] | Why:
    labels = list(_LABEL.finditer(line))
    if not labels or not _LABEL_FIRST.match(line[: labels[0].start()]):
        return Why.missing_label
    columns = _columns_of_labels([match["label"] for match in labels])
    if columns is None:
        return Why.too_many_columns
    ends = [match.start() for match in labels[1:]] + [len(line)]
    values = [line[match.end() : end].strip(EDGES) for match, end in zip(labels, ends, strict=True)]
    values = [_AFTER_VALUE.sub("", value) for value in values[:-1]] + values[-1:]
    if not all(values):
        return Why.empty_column
    return (
        values[columns.number] if columns.number is not None else None,
        values[columns.password] if columns.password is not None else None,
    )


def _columns_of_labels(labels: Sequence[str]) -> Columns | None:
    try:
        return columns_of_header(labels)
    except Unreadable:
        return None


def decide(sample: Sequence[str], *, is_csv: bool) -> Layout:
    """The layout of a file by its first lines (stripped, none blank); raises Unreadable when its header contradicts itself."""
    sample = [line for line in sample if _DAMAGED not in line] or list(sample)
    for index, line in enumerate(sample[:HEADER_WITHIN]):
        headed = _headed(line, index, sample, is_csv=is_csv)
        if headed is not None:
            return headed
    return _unheaded(sample, is_csv=is_csv)


def _headed(line: str, index: int, sample: Sequence[str], *, is_csv: bool) -> Layout | None:
    for split in SEPARATORS.values():
        cells = split(line)
        if cells and len(cells) > 1 and _like_a_header(cells) and (columns := columns_of_header(cells)):
            return Layout(split, columns, header_at=index)
    words = line.split()
    if role := column_role(line):
        # 卡密 alone is also what people call number and password together: the lines below decide, unless csv rules settle it.
        below = Layout(SEPARATORS[","]) if is_csv else _unheaded(sample[index + 1 :], is_csv=False)
        alone = below.columns.number is None and not below.labelled
        if alone:
            below.columns = Columns(0, None, width=1) if role == "number" else Columns(None, 0, width=1)
        below.header_at = index
        return below
    if len(words) > 1 and all(column_role(word) for word in words) and (columns := columns_of_header(words)):
        return Layout(_blanks, columns, header_at=index)
    return None


def _unheaded(sample: Sequence[str], *, is_csv: bool) -> Layout:
    if not sample:
        return Layout()
    labelled = [parts for parts in map(_labelled, sample) if not isinstance(parts, Why)]
    if 2 * len(labelled) >= len(sample):
        return Layout(labelled=True, passwords_are_labelled=any(password is not None for _, password in labelled))
    having = {name: sum(_has_two(split, line) for line in sample) for name, split in SEPARATORS.items()}
    best = max(having, key=having.__getitem__)  # The first of equals: the dictionary is in the order of preference.
    if 2 * having[best] >= len(sample):
        return Layout(SEPARATORS[best], Columns(0, 1))
    if is_csv:
        return Layout(SEPARATORS[","])
    if all(len(line.split()) == 2 for line in sample):
        return Layout(_blanks, Columns(0, 1))
    return Layout()


def _has_two(split: Split, line: str) -> bool:
    cells = split(line)
    return cells is not None and len(cells) > 1
