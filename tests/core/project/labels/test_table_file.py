"""Tables as people keep them: what is read is what a person sees, and what is not read is said."""

from __future__ import annotations

import json
import os
import zipfile
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from openpyxl import Workbook

from fineray.project.labels.table import rows_in_words, table_of
from fineray.project.labels.table_file import LabelFileUnusable, Table, read_table
from fineray.project.labels.workbook import _damage, sheet_names

ROWS = [["patient_id", "label"], ["00101", "normal"], ["00102", "pneumonia"]]


def _text(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "labels.csv") -> Table:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_table(path)


def _book(path: Path, rows: list[list[object]]) -> Workbook:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return book


def _same(table: Table) -> bool:
    return [list(table.header), *([row[name] for name in table.header] for row in table.rows)] == ROWS


@pytest.mark.parametrize("sign", ",;\t|")
def test_delimiters_are_told_from_what_stands_in_cells(tmp_path: Path, sign: str) -> None:
    other = ";" if sign == "," else ","
    text = f"patient_id{sign}label\n00101{sign}a{other}b{other}c\n00102{sign}d{other}e{other}f\n"
    assert [row["label"] for row in _text(tmp_path, text).rows] == [f"a{other}b{other}c", f"d{other}e{other}f"]


def test_a_sep_line_and_title_rows_stand_above_the_header(tmp_path: Path) -> None:
    table = _text(tmp_path, "sep=;\r\npatient_id;label\r\n00101;normal\r\n00102;pneumonia\r\n")
    assert _same(table) and table.lines == [3, 4]
    table = _text(tmp_path, "Reading list of May\n\npatient_id,label\n00101,normal\n00102,pneumonia\n")
    assert _same(table) and table.lines == [4, 5]
    assert any("header was found in row 3" in note for note in table.notes)
    _book(tmp_path / "t.xlsx", [["Reading list", None], ["by", "us"], *ROWS])
    assert _same(read_table(tmp_path / "t.xlsx"))


def test_a_cell_that_reads_like_a_header_is_none(tmp_path: Path) -> None:
    table = _text(tmp_path, "id,what\n1,label\n2,file\n3,class\n")
    assert (table.header, len(table.rows), table.notes) == (("id", "what"), 3, ())
    table = _text(tmp_path, "Study of May,by us\npatient_id,label\n1,a\n")
    assert table.header == ("patient_id", "label")


def test_columns_are_found_in_any_case_unless_two_are_alike() -> None:
    table = table_of(["Patient ID", "a-b", "a_b"], [["1", "2", "3"]])
    assert [table.column(name) for name in ("patient_id", "a-b", "a_b", "ab")] == ["Patient ID", "a-b", "a_b", None]


@pytest.mark.parametrize(
    ("encoding", "words", "told"),
    [
        ("cp1252", "Befund;gesund;Ödem;Pleuraerguß", "Windows-1252"),
        ("cp1252", "résultat;normale;pneumonie aiguë;à revoir", "Windows-1252"),
        ("cp1252", "note;it’s fine;it’s bad", "Windows-1252"),
        ("cp1252", "resultado;não;lesões;sim", "Windows-1252"),
        ("cp1250", "wynik;zapalenie płuc;prawidłowy", "Windows-1250"),
        ("cp1250", "nález;žádný;zápal plic", "Windows-1250"),
        ("cp1250", "lelet;tüdőgyulladás;ép", "Windows-1250"),
        ("cp1251", "диагноз;норма;пневмония", "Windows-1251"),
        ("cp1251", "ДИАГНОЗ;НОРМА", "Windows-1251"),
        ("cp949", "진단;정상;폐렴", "cp949"),
        ("shift_jis", "診断;正常;肺炎", "Shift-JIS"),
        ("shift_jis", "label;ノーマル;はいえん", "Shift-JIS"),
        ("utf-16", "label;Ödem", "UTF-16"),
        ("utf-16-le", "label;normal", "UTF-16"),
        ("utf-16-be", "label;normal", "UTF-16"),
    ],
)
def test_encodings_are_detected_and_told(tmp_path: Path, encoding: str, words: str, told: str) -> None:
    name, *labels = words.split(";")
    rows = "".join(f"{number},{label}\n" for number, label in enumerate(labels))
    table = _text(tmp_path, f"id,{name}\n{rows}", encoding)
    assert table.cells(name) == labels
    assert [note for note in table.notes if told in note]


def test_an_encoding_may_be_chosen(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes("id,label\n1,正常\n2,肺炎\n".encode("gb18030"))
    assert read_table(path, encoding="gb18030").cells("label") == ["正常", "肺炎"]
    with pytest.raises(LabelFileUnusable, match="no encoding “gb99”"):
        read_table(path, encoding="gb99")
    with pytest.raises(LabelFileUnusable, match="not written in utf-8"):
        read_table(path, encoding="utf-8")


@pytest.mark.parametrize("twin", ["label", "Label ", "LA BEL"])
def test_two_columns_of_one_name_are_refused_by_name(tmp_path: Path, twin: str) -> None:
    with pytest.raises(LabelFileUnusable, match=r"“label” \(columns B and C\)"):
        _text(tmp_path, f"patient_id,label,{twin}\n1,a,b\n")
    with pytest.raises(LabelFileUnusable, match="one name"):
        table_of(["a", "A"], [["1", "2"]])


def test_lines_of_json(tmp_path: Path) -> None:
    lines = [
        {"file": "a.dcm", "label": ["x", "y"], "id": 12345678901234567890},
        {"file": "b.dcm", "ok": True, "z": None},
    ]
    table = _text(tmp_path, "\n".join(map(json.dumps, lines)), name="labels.jsonl")
    assert table.header == ("file", "label", "id", "ok", "z")
    assert table.rows[0] == {"file": "a.dcm", "label": '["x", "y"]', "id": "12345678901234567890", "ok": "", "z": ""}
    assert table.rows[1]["ok"] == "TRUE" and table.lines == [1, 2]
    with pytest.raises(LabelFileUnusable, match="Line 2 is not JSON"):
        _text(tmp_path, '{"a": 1}\nnothing\n', name="broken.jsonl")
    with pytest.raises(LabelFileUnusable, match="Line 1 is no object"):
        _text(tmp_path, "[1]\n", name="list.jsonl")


def test_rows_with_more_cells_than_the_header_are_left_out_and_named(tmp_path: Path) -> None:
    table = _text(tmp_path, "patient_id,label\n1,a\n2,b,c\n3,d\n4\n")
    assert (table.left_out, table.lines) == ((3,), [2, 4, 5])
    assert table.rows[-1] == {"patient_id": "4", "label": ""}
    assert "row 3, left out" in table.notes[0]


def test_what_is_no_file_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "labels.csv")
    for path in (tmp_path / "labels.csv", tmp_path):
        with pytest.raises(LabelFileUnusable, match="not a file"):
            read_table(path)


def test_a_spreadsheet_says_what_it_hides(tmp_path: Path) -> None:
    book = _book(tmp_path / "t.xlsx", [*ROWS, ["00103", "normal"], ["00104", "normal"], ["00106", "normal"]])
    sheet = book.active
    for row in (3, 4, 6):
        sheet.row_dimensions[row].hidden = True
    sheet.column_dimensions["B"].hidden = True
    sheet.auto_filter.ref = "A1:B6"
    book.create_sheet("draft").sheet_state = "hidden"
    second = book.create_sheet("second")
    second.append(["file", "label"])
    second.append(["a", "x"])
    book.save(tmp_path / "t.xlsx")
    table = read_table(tmp_path / "t.xlsx")
    told = " ".join(table.notes)
    assert "3 hidden or filtered rows (rows 3, 4 and 6) were read all the same" in told
    assert (
        "1 hidden column (B)" in told
        and "A hidden sheet, “draft”" in told
        and "“Sheet”, was read; the file has 3" in told
    )
    assert (table.sheets, table.sheet, table.hidden) == (("Sheet", "draft", "second"), "Sheet", {3, 4, 6})
    assert read_table(tmp_path / "t.xlsx", hidden=False).cells("patient_id") == ["00101", "00104"]
    assert read_table(tmp_path / "t.xlsx", "second").rows == [{"file": "a", "label": "x"}]
    assert sheet_names(tmp_path / "t.xlsx") == table.sheets
    book.active.sheet_state = "hidden"
    book.active = 2
    book.save(tmp_path / "u.xlsx")
    assert read_table(tmp_path / "u.xlsx").sheet == "second", "the first table on show"
    with pytest.raises(LabelFileUnusable, match="no sheet “secnd”") as caught:
        read_table(tmp_path / "t.xlsx", "secnd")
    assert "second" in caught.value.todo


def test_cells_of_a_spreadsheet_are_read_as_they_are_shown(tmp_path: Path) -> None:
    book = _book(tmp_path / "t.xlsx", [["id", "day", "ok", "value"], [7.0, datetime(2020, 1, 31), True, 1.5]])
    for form, shown in (("00000", "00007"), ('"P-"000', "P-007"), ("General", "7"), ("0.00", "7")):
        book.active["A2"].number_format = form
        book.save(tmp_path / "t.xlsx")
        assert read_table(tmp_path / "t.xlsx").rows == [
            {"id": shown, "day": "2020-01-31", "ok": "TRUE", "value": "1.5"}
        ]


def test_numbers_of_more_than_15_digits_are_marked(tmp_path: Path) -> None:
    _book(
        tmp_path / "t.xlsx",
        [["id", "label"], [1234567890123450, "a"], [123456789012345, "b"], ["1234567890123456", "c"]],
    )
    assert read_table(tmp_path / "t.xlsx").rounded == {(2, "id")}
    assert _text(tmp_path, "id,label\n1.23457E+15,a\n12,b\n").rounded == {(2, "id")}


def test_formulas_without_a_value_are_told(tmp_path: Path) -> None:
    _book(tmp_path / "t.xlsx", [["id", "label"], ["1", '=IF(1>0,"a","b")'], ["2", "b"]])
    table = read_table(tmp_path / "t.xlsx")
    assert table.cells("label") == ["", "b"]
    assert "1 formula without a value in column B (row 2)" in table.notes[0]


def _ods(path: Path, rows: list[list[str]]) -> None:
    """A spreadsheet of OpenDocument 1.2 (part 1, section 9) with texts alone."""
    cells = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    body = f'<office:spreadsheet><table:table table:name="one">{cells}</table:table></office:spreadsheet>'
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{kind}"/></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content {names} office:version="1.2">'
            f"<office:body>{body}</office:body></office:document-content>",
        )


def test_opendocument_and_what_only_looks_like_a_spreadsheet(tmp_path: Path) -> None:
    _ods(tmp_path / "t.ods", ROWS)
    table = read_table(tmp_path / "t.ods")
    assert _same(table) and table.sheets == ("one",)
    assert any("cannot be seen" in note for note in table.notes)
    for name in ("t.xls", "u.ods"):
        (tmp_path / name).write_bytes(b"not a spreadsheet at all")
        with pytest.raises(LabelFileUnusable, match="cannot be read"):
            read_table(tmp_path / name)


@pytest.mark.parametrize("name", ["t.xlsx", "t.ods"])
def test_damaged_spreadsheets_are_read_or_refused(tmp_path: Path, name: str) -> None:
    _book(tmp_path / "t.xlsx", ROWS)
    _ods(tmp_path / "t.ods", ROWS)
    whole, random = (tmp_path / name).read_bytes(), Random(0)
    refused = 0
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(8):
            damaged[random.randrange(len(damaged))] = random.randrange(256)
        (tmp_path / name).write_bytes(damaged)
        try:
            read_table(tmp_path / name)
        except LabelFileUnusable:
            refused += 1
    assert refused > 20


def test_a_panic_of_the_reader_is_damage_and_an_interrupt_is_not() -> None:
    panic = type("PanicException", (BaseException,), {})
    assert _damage(panic()) and _damage(ValueError())
    assert not _damage(KeyboardInterrupt()) and not _damage(LabelFileUnusable("x"))


def test_old_excel(shared_file: object) -> None:
    table = read_table(shared_file("cases/give/84-old-excel.xls"))  # type: ignore[operator]
    assert (table.header, len(table.rows), table.rows[0]) == (
        ("patient_id", "label"),
        12,
        {"patient_id": "00101", "label": "normal"},
    )


def test_rows_in_words() -> None:
    assert rows_in_words([5]) == "row 5"
    assert rows_in_words([2, 3, 4, 9]) == "rows 2 to 4 and 9"
    assert rows_in_words(range(2, 40, 2), most=2) == "rows 2, 4 and 17 more"
