"""Reading the lists of codes that merchants paste and send."""

import io
import random
import struct
import time
import tracemalloc
import zipfile
import zlib
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from papers.codes_in import BadLine, CodeLine, Fault, Limits, Unreadable, Why, read_codes, read_pasted
from papers.codes_out import codes_csv, codes_txt
from tests.papers.lists import answers, fault, gzipped, parts, workbook, zipped

NOON = datetime.fromisoformat("2026-01-02T12:00:00")

# What merchants paste


@pytest.mark.parametrize(
    "line",
    [
        "卡号: N-1 卡密: P-1",
        "卡号：N-1，密码：P-1",
        "卡号：N-1卡密：P-1",
        "1. 卡号：N-1----卡密：P-1",
        "卡号 N-1 密码 P-1",
        "Card No: N-1, PIN: P-1",
        "number: N-1 password: P-1",
        "N-1----P-1",
        "N-1 ---- P-1",
        "N-1——P-1",
        "N-1\tP-1",
        "N-1|P-1",
        "N-1 | P-1",
        "N-1,P-1",
        "N-1, P-1",
        "N-1;P-1",
        "N-1，P-1",
        "N-1 P-1",
        "N-1     P-1",
        "\u3000N-1\u00a0P-1\u200b",
        '"N-1","P-1"',
    ],
)
def test_number_and_password_are_told_apart(line: str) -> None:
    assert [(one.card_no, one.card_pwd) for one in read_pasted(line) if isinstance(one, CodeLine)] == [("N-1", "P-1")]


@pytest.mark.parametrize(
    "line",
    ["ABCD-EFGH-IJKL", "1234 5678 9012 3456", "https://shop.example/redeem?code=A-1&x=2", "卡密: ABCD-EFGH", "A--B", "'=x"],
)
def test_a_single_code_stays_whole(line: str) -> None:
    assert parts("", line) == [(None, line.removeprefix("卡密: "))]


def test_one_code_in_two_pieces_among_whole_ones_is_not_split() -> None:
    assert parts("", "ABCD EFGH\nABCDEFGH\n") == [(None, "ABCD EFGH"), (None, "ABCDEFGH")]


def test_a_number_and_its_password_may_stand_on_two_lines() -> None:
    pasted = "卡号：A1\n卡密：B1\n\n卡号：A2\n卡号：A3\n卡密：B3\n卡号：A4\n"

    assert answers("", pasted) == [(1, "A1", "B1"), (4, "empty_column"), (5, "A3", "B3"), (7, "empty_column")]


def test_labels_of_numbers_alone_are_codes() -> None:
    assert parts("", "卡号：A1\n卡号：A2") == [("A1", None), ("A2", None)]


def test_a_line_without_a_label_among_labelled_ones_is_refused() -> None:
    assert answers("", "卡号：A 卡密：B\n谢谢惠顾\n卡号：C 卡密：D") == [(1, "A", "B"), (2, "missing_label"), (3, "C", "D")]


def test_the_separator_is_decided_for_the_whole_list() -> None:
    pasted = "A----B,C\nD----E|F\nG\nH----\n----I\nJ----K----L\n"

    assert answers("", pasted) == [
        (1, "A", "B,C"),
        (2, "D", "E|F"),
        (3, "missing_column"),
        (4, "empty_column"),
        (5, "empty_column"),
        (6, "too_many_columns"),
    ]


def test_a_rare_comma_inside_of_codes_splits_nothing() -> None:
    assert parts("", "aaaa\nbb,b\ncccc\n") == [(None, "aaaa"), (None, "bb,b"), (None, "cccc")]


def test_blank_lines_are_skipped_and_every_kind_of_line_end_counts() -> None:
    assert answers("codes.txt", "A1\r\n\r\n  \t\r\nB2\rC3\n\nD4\x1a") == [
        (1, None, "A1"),
        (4, None, "B2"),
        (5, None, "C3"),
        (7, None, "D4"),
    ]


# Headers


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("卡号,卡密", ("A", "B")),
        ("卡密,卡号", ("B", "A")),
        ("序号,卡号", ("B", None)),
        ("card_no,card_pwd", ("A", "B")),
        ("Card Number;PIN", ("A", "B")),
        ("Code,PIN", ("A", "B")),
        ("Number,Code", ("A", "B")),
        ("面值,兑换码", (None, "B")),
        ("номер;пароль", ("A", "B")),
        ("账号----密码", ("A", "B")),
        ("卡号 密码", ("A", "B")),
    ],
)
def test_a_header_names_the_columns(header: str, expected: tuple[str | None, str | None]) -> None:
    separator = next(mark for mark in (",", ";", "----", " ") if mark in header.replace("Card Number", ""))

    assert parts("codes.csv", f"{header}\nA{separator}B\n") == [expected]


def test_other_columns_are_left_out_under_a_header_and_surplus_ones_refused() -> None:
    content = "面值,卡号,卡密,备注\n50,A,B,hot\n50,C,D\n50,E,F,x,y\n50,G,,x\n"

    assert answers("a.csv", content) == [(2, "A", "B"), (3, "C", "D"), (4, "too_many_columns"), (5, "empty_column")]


def test_a_single_header_names_what_the_codes_are() -> None:
    assert parts("a.txt", "卡密\nA B\nC\n") == [(None, "A B"), (None, "C")]
    assert parts("a.txt", "卡号\nA\n") == [("A", None)]
    assert parts("a.txt", "卡密\nA----B\n") == [("A", "B")]


def test_a_title_above_the_header_is_no_code() -> None:
    assert answers("a.csv", "十月进货\n\n卡号,卡密\nA,B\n") == [(1, "above_header"), (4, "A", "B")]


def test_a_header_that_contradicts_itself_is_refused() -> None:
    assert fault("a.csv", "卡密,密码\nA,B\n") is Fault.header_unclear


def test_a_file_with_a_header_only_is_empty() -> None:
    assert fault("a.csv", "卡号,卡密\n") is Fault.empty


# csv


def test_csv_quotes_are_undone_and_broken_ones_refused() -> None:
    content = '"A,1","say ""B"""\nC,"D\nE,"F"x\nG,="007"\nH,\'=I\n'

    assert answers("a.csv", content) == [
        (1, "A,1", 'say "B"'),
        (2, "broken_quotes"),
        (3, "broken_quotes"),
        (4, "G", "007"),
        (5, "H", "=I"),
    ]


def test_a_csv_of_one_column_is_unquoted() -> None:
    assert answers("a.csv", '"A,B"\nC\nD,E\n"F"\n') == [(1, None, "A,B"), (2, None, "C"), (3, "too_many_columns"), (4, None, "F")]


# Lines that are refused


def test_invisible_characters_inside_a_code_are_refused() -> None:
    content = "AB\u200bCD\nEF\x07GH\nIJ\u202eKL\nMN\x00OP\n\ufeffQR\u200b\n"

    assert answers("", content) == [(line, "control_characters") for line in (1, 2, 3, 4)] + [(5, None, "QR")]


def test_long_codes_and_endless_lines_are_refused_one_by_one() -> None:
    limits = Limits(line_chars=100, code_chars=20)
    content = "A" * 20 + "\n" + "B" * 21 + "\n" + "C" * 100_000 + "\nD\n" + "E" * 101

    assert answers("", content, limits) == [
        (1, None, "A" * 20),
        (2, "too_long"),
        (3, "too_long"),
        (4, None, "D"),
        (5, "too_long"),
    ]


def test_one_damaged_line_does_not_spoil_the_rest_of_the_file() -> None:
    content = "卡号：一 卡密：X1\n".encode() * 3 + b"\xe5\x8d\xa1\xe5\x8f\xb7\xef\xbc\x9a\xff \xe5\x8d\xa1\xe5\xaf\x86: X\n"

    assert answers("a.txt", content) == [(1, "一", "X1"), (2, "一", "X1"), (3, "一", "X1"), (4, "not_text")]


def test_nothing_that_can_be_printed_shows_a_secret() -> None:
    found = list(read_pasted("N-123----SECRET\nN-456----SEC\x07RET"))

    assert repr(found[0]) == "CodeLine(line=1, card_no=…, card_pwd=…)"
    assert "SEC" not in f"{found}{found[0]}{found[1]}"


def test_no_error_quotes_the_content() -> None:
    broken = zipped({"a.txt": b"SECRET-CODE\n" * 50}, zipfile.ZIP_STORED).replace(b"SECRET-CODE\nS", b"SECRET-COD?\nS", 1)

    with pytest.raises(Unreadable) as caught:
        list(read_codes("a.zip", io.BytesIO(broken)))

    assert caught.value.why is Fault.damaged
    assert "SECRET" not in repr(caught.value)


# Encodings


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("content", ["卡号,卡密\n甲A-000001,B-000001\n", "A-000001,甲B-000001\r\nA-000002,乙B-000002\r\n" * 50])
def test_encodings_are_recognised(encoding: str, content: str) -> None:
    name_and_password = [tuple(line.split(",")) for line in content.split() if "卡" not in line]

    assert parts("a.csv", content.encode(encoding)) == name_and_password


def test_utf16_with_its_mark_is_recognised_whatever_it_says() -> None:
    assert parts("a.txt", "甲乙丙丁\n".encode("utf-16")) == [(None, "甲乙丙丁")]


def test_chinese_far_behind_the_beginning_is_recognised() -> None:
    content = ("ABCDEFGHIJ\n" * 20_000 + "卡密壹\n").encode("gb18030")

    *_, last = read_codes("a.txt", io.BytesIO(content))

    assert isinstance(last, CodeLine)
    assert last.card_pwd == "卡密壹"


@pytest.mark.parametrize(
    "content",
    [
        bytes(random.Random(1).randbytes(20_000)),
        b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
        b"%PDF-1.7\n1 0 obj\n",
        b"Rar!\x1a\x07\x01\x00",
        b"7z\xbc\xaf\x27\x1c\x00\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600,
        b"\x00\x01\x02\x03" * 1000,
        "ABCD\n".encode("utf-32"),
    ],
)
def test_what_is_no_list_is_refused_as_a_whole(content: bytes) -> None:
    assert fault("codes.txt", content) in (Fault.unknown_format, Fault.not_text)


@pytest.mark.parametrize("name", ["codes.xls", "codes.html", "codes.json", "codes.xlsx", "codes.py"])
def test_text_under_a_name_that_promises_something_else_is_refused(name: str) -> None:
    assert fault(name, "<table><tr><td>A</td></tr></table>\n") is Fault.unknown_format


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n", b"\xef\xbb\xbf", b"\xff\xfe"])
def test_a_file_without_codes_is_empty(content: bytes) -> None:
    assert fault("a.txt", content) is Fault.empty
    assert fault("a.zip", zipped({"a.txt": content})) is Fault.empty
    assert fault("a.gz", gzipped(content)) is Fault.empty


# Archives


def test_a_zip_gives_its_files_one_after_the_other() -> None:
    content = zipped(
        {
            "folder/": b"",
            "folder/一.txt": b"A1\nA2\n",
            "__MACOSX/folder/._一.txt": b"\x00\x05\x16\x07",
            "b.csv": "卡号,卡密\nN,P\n".encode("gb18030"),
            "c.xlsx": workbook([["X1"], ["X2"]]),
        }
    )

    found = list(read_codes("all.zip", io.BytesIO(content)))

    assert [(one.member, one.line, one.card_no, one.card_pwd) for one in found if isinstance(one, CodeLine)] == [
        ("folder/一.txt", 1, None, "A1"),
        ("folder/一.txt", 2, None, "A2"),
        ("b.csv", 2, "N", "P"),
        ("c.xlsx", 1, None, "X1"),
        ("c.xlsx", 2, None, "X2"),
    ]


def test_the_content_decides_and_not_the_name() -> None:
    assert parts("codes.txt", zipped({"a.txt": b"A"})) == [(None, "A")]
    assert parts("codes.txt", workbook([["A"]])) == [(None, "A")]
    assert parts("codes.csv.gz", gzipped(b'"A"')) == [(None, "A")]
    assert parts("codes.xlsx.gz", gzipped(workbook([["A"]]))) == [(None, "A")]


def test_archives_inside_of_archives_are_refused() -> None:
    inner = zipped({"a.txt": b"A"})

    assert fault("a.zip", zipped({"b.zip": inner})) is Fault.nested_archive
    assert fault("a.gz", gzipped(inner)) is Fault.nested_archive
    assert fault("a.zip", zipped({"b.gz": gzipped(b"A")})) is Fault.nested_archive
    assert fault("a.gz", gzipped(gzipped(b"A"))) is Fault.nested_archive


def test_an_unreadable_member_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        list(read_codes("a.zip", io.BytesIO(zipped({"good.txt": b"A", "photo.txt": b"\x89PNG\r\n\x1a\n"}))))

    assert (caught.value.why, caught.value.member) == (Fault.unknown_format, "photo.txt")


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(zipped({"a.txt": b"A"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1

    assert fault("a.zip", bytes(content)) is Fault.encrypted_archive


def test_an_encrypted_workbook_is_refused() -> None:
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 100_000 + "EncryptedPackage".encode("utf-16-le")

    assert fault("a.xlsx", content) is Fault.encrypted_archive


def test_other_compressions_than_deflate_are_refused() -> None:
    assert fault("a.zip", zipped({"a.txt": b"A"}, zipfile.ZIP_LZMA)) is Fault.unknown_format


def test_cut_off_archives_are_damaged() -> None:
    lines = "".join(f"{number * 7919:032x}\n" for number in range(10_000)).encode()

    assert fault("a.zip", zipped({"a.txt": lines})[:-100]) is Fault.damaged
    assert fault("a.gz", gzipped(lines)[:-100]) is Fault.damaged
    assert fault("a.xlsx", workbook([["A"]])[:2000]) is Fault.damaged


def test_names_of_members_from_chinese_programs_are_readable() -> None:
    content = zipped({"xxxx.txt": b"A"}).replace(b"xxxx.txt", "卡密".encode("gb18030") + b".txt")

    (one,) = read_codes("a.zip", io.BytesIO(content))

    assert one.member == "卡密.txt"


# Workbooks


def test_numbers_of_a_workbook_keep_their_digits_or_are_refused() -> None:
    content = workbook(
        [
            ["卡号", "卡密"],
            [123456789012345, "00123"],
            ["1234567890123456", "x"],
            [1234567890123456, "x"],
            [1.5, "x"],
            [12345.0, 42],
            [-5, "x"],
            [True, "x"],
        ]
    )

    assert answers("a.xlsx", content) == [
        (2, "123456789012345", "00123"),
        (3, "1234567890123456", "x"),
        (4, "number_lost_digits"),
        (5, "not_a_whole_number"),
        (6, "12345", "42"),
        (7, "not_a_whole_number"),
        (8, "not_a_code"),
    ]


def test_zeros_that_a_number_format_shows_belong_to_the_code() -> None:
    assert parts("a.xlsx", workbook([[123], [4567]], {"A1": "00000000", "A2": "#,##0"})) == [(None, "00000123"), (None, "4567")]


def test_dates_and_formulas_are_refused() -> None:
    rows: list[list[object]] = [
        ["A", "B"],
        ["C", date(2026, 1, 2)],
        ["D", NOON],
        ["E", "=1+1"],
        ["F", "#N/A"],
        ["G", 45000],
    ]

    assert answers("a.xlsx", workbook(rows, {"B6": "yyyy-mm-dd"})) == [
        (1, "A", "B"),
        (2, "date"),
        (3, "date"),
        (4, "formula"),
        (5, "not_a_code"),
        (6, "date"),
    ]


def test_rows_keep_their_numbers_and_blank_ones_are_skipped() -> None:
    rows: list[list[object]] = [
        ["库存表"],
        [],
        ["序号", "卡号", "卡密", "备注"],
        [1, "A", "B", None],
        [],
        [2, "C", None, "x"],
        [None, " ", ""],
    ]

    assert answers("a.xlsx", workbook(rows)) == [(1, "above_header"), (4, "A", "B"), (6, "empty_column")]


def test_a_column_of_pasted_lines_is_read_like_a_list() -> None:
    assert parts("a.xlsx", workbook([[None, "A----B"], [None, "C----D"]])) == [("A", "B"), ("C", "D")]


def test_a_third_column_without_a_header_is_refused() -> None:
    assert answers("a.xlsx", workbook([["A", "B"], ["C", "D", "E"], ["F"]])) == [
        (1, "A", "B"),
        (2, "too_many_columns"),
        (3, "empty_column"),
    ]


def test_another_office_document_is_no_workbook() -> None:
    relations = b'<Relationships><Relationship Id="1" Type="x/officeDocument" Target="word/document.xml"/></Relationships>'
    document = {"[Content_Types].xml": b"<Types/>", "_rels/.rels": relations, "word/document.xml": b"<document/>"}
    document["word/_rels/document.xml.rels"] = b"<Relationships/>"

    assert fault("a.docx", zipped(document)) is Fault.unknown_format


def _sheet(xml: bytes, strings: bytes = b"<sst/>") -> bytes:
    def relations(*pairs: tuple[str, str]) -> bytes:
        each = "".join(f'<Relationship Id="{kind}" Type="x/{kind}" Target="{target}"/>' for kind, target in pairs)
        return f"<Relationships>{each}</Relationships>".encode()

    return zipped(
        {
            "[Content_Types].xml": b"<Types/>",
            "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
            "xl/workbook.xml": b'<workbook xmlns:r="x/relationships"><sheets><sheet r:id="worksheet"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": relations(("worksheet", "sheet.xml"), ("sharedStrings", "strings.xml")),
            "xl/sheet.xml": xml,
            "xl/strings.xml": strings,
        }
    )


def test_texts_of_other_programs_are_read_whole() -> None:
    strings = b"<sst><si><r><t>AB</t></r><r><t>CD</t></r><rPh><t>guide</t></rPh></si><si><t>_x0041_1</t></si></sst>"
    xml = (
        b'<worksheet><sheetData><row><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row>'
        b'<row><c t="inlineStr"><is><t>IN</t></is></c></row><row><c><v>1.5E+3</v></c></row></sheetData></worksheet>'
    )

    assert parts("a.xlsx", _sheet(xml, strings)) == [(None, "ABCD"), (None, "A1"), (None, "IN"), (None, "1500")]


@pytest.mark.parametrize(
    "xml",
    [
        b"<worksheet><row r='99999999999'><c><v>1</v></c></row></worksheet>",
        b"<worksheet><row r='x'><c><v>1</v></c></row></worksheet>",
        b"<worksheet><row><c r='ZZZ1'><v>1</v></c></row></worksheet>",
        b"<worksheet><row><c t='s'><v>7</v></c></row></worksheet>",
        b"<worksheet><row><c><v>1e99999999999999999999</v></c></row></worksheet>",
        b"<worksheet><row><c><v>one</v></c></row></worksheet>",
        b"<!DOCTYPE w [<!ENTITY a 'AAAA'>]><worksheet><row><c t='str'><v>&a;</v></c></row></worksheet>",
        b"<worksheet><row",
    ],
)
def test_sheets_that_lie_are_damaged(xml: bytes) -> None:
    assert fault("a.xlsx", _sheet(xml)) is Fault.damaged


# Bombs


def test_a_gz_bomb_is_stopped_while_it_is_small() -> None:
    bomb = gzipped(b"A" * 200 * 1024 * 1024)

    assert _peak_mib(lambda: fault("a.txt.gz", bomb)) < 12
    assert fault("a.txt.gz", bomb) is Fault.expands_too_far


def test_a_zip_bomb_is_stopped_while_it_is_small() -> None:
    bomb = zipped({f"{number}.txt": b"ABCDEFGH\n" * 1_000_000 for number in range(3)})

    assert _peak_mib(lambda: fault("a.zip", bomb)) < 12
    assert fault("a.zip", bomb) is Fault.expands_too_far


def test_a_member_that_hides_its_size_is_stopped() -> None:
    bomb = bytearray(zipped({"a.txt": b"ABCDEFGH\n" * 1_000_000}))
    at = bomb.index(b"PK\x01\x02") + 24
    bomb[at : at + 4] = struct.pack("<I", 900)
    bomb[22:26] = struct.pack("<I", 900)

    assert fault("a.zip", bytes(bomb)) in (Fault.damaged, Fault.expands_too_far)


def test_a_workbook_bomb_is_stopped_before_it_is_unpacked() -> None:
    bomb = _sheet(b"<worksheet>" + b"<row><c t='str'><v>A</v></c></row>" * 1_000_000 + b"</worksheet>")

    assert _peak_mib(lambda: fault("a.xlsx", bomb)) < 12
    assert fault("a.xlsx", bomb) is Fault.expands_too_far


def test_a_row_of_millions_of_cells_is_refused_in_little_memory() -> None:
    wide = Limits(ratio=100_000)
    bomb = _sheet(b"<worksheet><row>" + b"<c/>" * 3_000_000 + b"</row></worksheet>")

    assert _peak_mib(lambda: fault("a.xlsx", bomb, wide)) < 12
    assert fault("a.xlsx", bomb, wide) is Fault.damaged


@pytest.mark.parametrize("xml", [b"<a>" * 4_000_000, b"<w>" + b"".join(b"<a%d/>" % number for number in range(1_000_000))])
def test_endless_depth_and_endless_names_are_refused_in_little_memory(xml: bytes) -> None:
    wide = Limits(ratio=100_000)
    bomb = _sheet(xml)

    assert _peak_mib(lambda: fault("a.xlsx", bomb, wide)) < 12
    assert fault("a.xlsx", bomb, wide) is Fault.damaged


def test_one_endless_tag_does_not_take_quadratic_time() -> None:
    wide = Limits(ratio=100_000)
    bomb = _sheet(b"<worksheet x='" + b"A" * 30_000_000 + b"'/>")

    started = time.process_time()
    assert fault("a.xlsx", bomb, wide) is Fault.damaged
    assert time.process_time() - started < 5  # Unguarded it takes minutes.


def test_a_directory_of_very_many_files_is_never_loaded() -> None:
    many = zipped({f"{number}.txt": b"" for number in range(10_001)})

    assert fault("a.zip", many) is Fault.too_many_members
    assert fault("a.zip", zipped({f"{number}.txt": b"A" for number in range(101)})) is Fault.too_many_members


def test_too_much_of_anything_is_refused() -> None:
    assert fault("a.txt", b"A\n" * 11, Limits(rows=10)) is Fault.too_many_rows
    assert fault("a.txt", b"\n" * 11 + b"A", Limits(lines=10)) is Fault.too_many_rows
    assert fault("a.txt", b"A\n" * 11, Limits(file_bytes=10)) is Fault.too_big
    assert fault("a.xlsx", workbook([["A"]] * 11), Limits(rows=10)) is Fault.too_many_rows
    strings = b"<sst>" + b"<si><t>A</t></si>" * 11 + b"</sst>"
    assert fault("a.xlsx", _sheet(b"<worksheet/>", strings), Limits(shared_strings=10)) is Fault.too_many_rows
    assert fault("a.gz", gzipped(random.Random(2).randbytes(500).hex().encode()), Limits(expanded_bytes=999)) is Fault.expands_too_far


def test_a_stream_that_cannot_go_back_is_read_too() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: int) -> int:
            raise io.UnsupportedOperation("seek")

    assert [one.card_pwd for one in read_codes("a", Pipe(b"A\nB")) if isinstance(one, CodeLine)] == ["A", "B"]
    with pytest.raises(Unreadable, match="too_big"):
        list(read_codes("a", Pipe(b"A" * 11), Limits(file_bytes=10)))


def test_a_large_list_is_never_held_in_memory() -> None:
    content = "".join(f"{number:08d}-ABCDEFGH----{number * 7919:016d}\n" for number in range(100_000)).encode()

    def read_all() -> None:
        for _ in read_codes("a.txt", io.BytesIO(content)):
            pass

    assert _peak_mib(read_all) - len(content) / 2**20 < 4  # The stream itself is a copy of the content.


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_read_swiftly(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [(f"{number:010d}", f"{number * 7919:016x}") for number in range(100_000)]
    files = {
        "codes.txt": codes_txt(rows),
        "codes.csv": codes_csv(rows),
        "codes-gb18030.csv": ("卡号,卡密\n" + "\n".join(map(",".join, rows))).encode("gb18030"),
        "codes.txt.gz": gzipped(codes_txt(rows)),
        "codes.xlsx": workbook([("卡号", "卡密"), *rows]),
    }
    for name, content in files.items():
        started = time.perf_counter()
        found = [(one.card_no, one.card_pwd) for one in read_codes(name, io.BytesIO(content)) if isinstance(one, CodeLine)]
        took = time.perf_counter() - started
        assert found == rows
        with capsys.disabled():
            print(f"\n100,000 codes from {name} ({len(content) / 1e6:.1f} MB): {took:.2f} s", end="")


def _peak_mib(work: object) -> float:
    assert callable(work)
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


# Whatever comes

NAMES = st.sampled_from(["", "a.txt", "a.csv", "a.xlsx", "a.zip", "a.gz", "a.csv.gz", "a.xls", "卡密.TXT"])
SMALL = Limits(
    file_bytes=1 << 20,
    expanded_bytes=1 << 20,
    ratio=50,
    ratio_from_bytes=4096,
    members=5,
    rows=500,
    lines=1000,
    line_chars=200,
    code_chars=50,
)


def _reads_or_refuses(name: str, content: bytes) -> None:
    try:
        for one in read_codes(name, io.BytesIO(content), SMALL):
            if isinstance(one, BadLine):
                assert isinstance(one.why, Why)
                continue
            assert one.card_no or one.card_pwd
            for part in (one.card_no, one.card_pwd):
                assert part is None or (part == part.strip() and 0 < len(part) <= 50 and part.isascii() <= part.isprintable())
    except Unreadable:
        return


@given(NAMES, st.binary(max_size=2000))
@example("a.txt", b"\xff\xfe\x00")
@example("a.zip", b"PK\x05\x06" + bytes(18))
@example("a.gz", b"\x1f\x8b")
def test_any_bytes_are_read_or_refused(name: str, content: bytes) -> None:
    _reads_or_refuses(name, content)


@given(
    NAMES,
    st.text(alphabet=st.sampled_from(" \t\r\n,;|-'\"=:：，卡号密码ABpin\ufeff\u200b\x00\x1a=_é0"), max_size=200),
    st.sampled_from(["utf-8", "utf-16", "gb18030"]),
)
def test_any_text_is_read_or_refused(name: str, content: str, encoding: str) -> None:
    _reads_or_refuses(name, content.encode(encoding))


_SAMPLES = [
    workbook([["卡号", "卡密"], ["A", 1], ["B", date(2026, 1, 1)], ["C", "=1"], [1.5, True]]),
    zipped({"a.txt": b"A\nB\n" * 20, "b.csv": b"card_no,card_pwd\n1,2\n"}),
    zipped({"a.txt": b"A\nB\n" * 20}, zipfile.ZIP_STORED),
    gzipped(b"A----B\nC----D\n" * 20),
    _sheet(b"<worksheet><row r='1'><c r='A1' t='str'><v>A</v></c></row></worksheet>"),
]


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.sampled_from(range(len(_SAMPLES))), st.data())
def test_damaged_files_are_read_or_refused(which: int, data: st.DataObject) -> None:
    content = bytearray(_SAMPLES[which])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    _reads_or_refuses("a.zip", bytes(content))


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            b"<worksheet>",
            b"<row>",
            b"<row r='2'>",
            b"<c>",
            b"<c t='s'>",
            b"<c s='1' r='B2'>",
            b"<c t='inlineStr'>",
            b"<is>",
            b"<v>",
        ]
    )
    | st.just(b"")
)
def test_sheets_that_break_off_are_refused(opening: bytes) -> None:
    with pytest.raises(Unreadable, match="damaged"):
        list(read_codes("a.xlsx", io.BytesIO(_sheet(b"<worksheet><row><c><v>1</v></c></row>" + opening)), SMALL))


# Out and in again

CODE = st.text(st.characters(min_codepoint=33, max_codepoint=0x9FFF, categories=["L", "N", "P", "S"]), min_size=1, max_size=30)
PLAIN_CODE = st.from_regex(r"[A-Z0-9]{4,8}(-[A-Z0-9]{4,8}){0,3}", fullmatch=True)


@given(
    st.lists(st.tuples(CODE, CODE), min_size=1, max_size=20)
    | st.lists(st.tuples(st.none(), CODE), min_size=1, max_size=20)
    | st.lists(st.tuples(CODE, st.none()), min_size=1, max_size=20)
    | st.lists(st.tuples(CODE | st.none(), CODE), min_size=1, max_size=20)
)
@example([("=1", "'=2"), ('"', "a,b"), ("-5", "+6"), ("卡号", "卡密")])
def test_a_csv_of_codes_comes_back_as_it_was(codes: list[tuple[str | None, str | None]]) -> None:
    assert parts("codes.csv", codes_csv(codes)) == codes


@given(st.lists(st.tuples(PLAIN_CODE, PLAIN_CODE), min_size=1) | st.lists(st.tuples(st.none(), PLAIN_CODE), min_size=1))
def test_a_text_of_codes_comes_back_as_it_was(codes: list[tuple[str | None, str | None]]) -> None:
    assert parts("codes.txt", codes_txt(codes)) == codes


def test_zlib_is_what_refuses_a_broken_stream() -> None:
    content = bytearray(gzipped(b"A----B\n" * 100))
    content[12] ^= 0xFF

    with pytest.raises((zlib.error, EOFError)):
        zlib.decompress(bytes(content), 31)
    assert fault("a.gz", bytes(content)) is Fault.damaged
