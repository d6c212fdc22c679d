"""The documents that buyers and merchants get."""

import csv
import io

from papers.codes_out import codes_csv, codes_txt, refused_csv


def test_a_text_has_one_code_per_line_exactly_as_it_is() -> None:
    assert codes_txt([(None, "A,1"), ("N", "=P"), ("M", None)]) == b"A,1\nN----=P\nM\n"
    assert codes_txt([]) == b""


def test_codes_of_several_lines_are_parted_by_blank_ones() -> None:
    assert codes_txt([(None, "BEGIN\nEND"), (None, "B")]) == b"BEGIN\nEND\n\nB\n"


def test_a_csv_has_the_mark_and_the_columns_that_codes_have() -> None:
    assert codes_csv([("N", "P")]) == b"\xef\xbb\xbfcard_no,card_pwd\r\nN,P\r\n"
    assert codes_csv([(None, "P"), (None, "Q")]) == b"\xef\xbb\xbfcard_pwd\r\nP\r\nQ\r\n"
    assert codes_csv([("N", None)]) == b"\xef\xbb\xbfcard_no\r\nN\r\n"
    assert codes_csv([]) == b"\xef\xbb\xbfcard_no,card_pwd\r\n"


def test_a_program_reads_every_value_of_a_csv_and_no_spreadsheet_runs_one() -> None:
    content = codes_csv([("=HYPERLINK(1)", 'quo"te,comma'), ("0012", "卡密\nzwei")]).decode("utf-8-sig")

    assert list(csv.reader(io.StringIO(content, newline="")))[1:] == [["'=HYPERLINK(1)", 'quo"te,comma'], ["0012", "卡密\nzwei"]]


def test_refused_lines_are_told_in_the_words_of_the_caller() -> None:
    content = refused_csv([(3, "太长"), (None, "=x")], header=("行", "原因"))

    assert content.decode("utf-8-sig") == "行,原因\r\n3,太长\r\n,'=x\r\n"
