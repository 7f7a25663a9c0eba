"""CSV and Excel: encodings, delimiters, headers, cells, and what is refused by its line."""

import csv
import gzip
import json
import warnings
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from hotline.importer import tables
from hotline.importer.columns import columns_of
from tests.hotline.imports.reading import imported, items, records, refused

HEADER = "工单编号,来电人,来电号码,受理时间,诉求类型,诉求内容"
LAMP = "SY001,王喆,13800001111,2024年1月2日 下午3:05,投诉,路灯坏了"
WANTED = {
    "external_ticket_no": "SY001",
    "sender": {"name": "王喆", "value": "13800001111"},
    "received_at": "2024年1月2日  15:05",
    "kind": "投诉",
    "text": "路灯坏了",
}


def written(folder: Path, *lines: str, encoding: str = "utf-8", name: str = "a.csv", end: str = "\r\n") -> Path:
    path = folder / name
    path.write_bytes(end.join((*lines, "")).encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_encoding_and_delimiter_are_found_out(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [line.replace(",", delimiter) for line in (HEADER, LAMP)]
    assert records(written(tmp_path, *lines, encoding=encoding)) == [WANTED]


def test_encoding_and_delimiter_may_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "正文/標題", "燈壞了/燈,燈,燈", encoding="big5")
    found = records(path, encoding="big5", delimiter="/", columns=columns_of(["標題=title"]))
    assert found == [{"text": "燈壞了", "title": "燈,燈,燈"}]


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\n{LAMP}\n".encode()))
    assert records(path) == [WANTED]


def test_titles_above_the_header_and_blank_rows_are_no_messages(tmp_path: Path) -> None:
    path = written(tmp_path, "12345热线工单导出,,,,,", ",,,,,", HEADER, LAMP, ",,,,,")
    assert records(path) == [WANTED]


def test_columns_that_are_not_known_are_kept(tmp_path: Path) -> None:
    assert records(written(tmp_path, "正文,承办单位,channel kind,,承办单位", "灯,城管局,热线,x,y")) == [
        {"text": "灯", "承办单位": "城管局", "channel kind": "热线", "列 4": "x", "承办单位 5": "y"}
    ]


def test_the_operators_mapping_wins_and_may_feed_two_fields(tmp_path: Path) -> None:
    path = written(tmp_path, "编号,正文,备注", "7,灯,坏了")
    columns = columns_of(["编号=id", "编号=external_ticket_no", "备注=text"])
    assert records(path, columns=columns) == [{"id": "7", "external_ticket_no": "7", "正文": "灯", "text": "坏了"}]


def test_a_column_that_the_operator_names_and_no_table_has_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "编号,正文,备注", "7,灯,坏了")
    (item,) = items(path, columns=columns_of(["备住=text", "编号=id"]))
    assert "it has no column 备住, which --map or --mapping names" in str(item.fault)


def test_cells_lose_what_excel_adds(tmp_path: Path) -> None:
    path = written(tmp_path, "正文,来电号码", '灯,"=""13800001111"""', "灯,\t13800001112")
    assert [record["sender"]["value"] for record in records(path)] == ["13800001111", "13800001112"]


def test_a_title_alone_is_a_message_and_a_row_without_both_is_none(tmp_path: Path) -> None:
    path = written(tmp_path, "标题,正文,电话", "灯坏了,,1", ",,13800001111")
    assert items(path)[0].fault is None
    assert refused(path) == [(3, "malformed", "the row has neither text nor title")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('"灯,1', "an unreadable row"),
        ('"灯"坏了,1', "a cell that continues after its closing quotation mark"),
        ("灯,1,2", "3 cells, but the header has 2"),
        ("灯", "1 cells, but the header has 2"),
    ],
)
def test_a_bad_row_is_refused_by_its_line_and_the_others_go_on(tmp_path: Path, row: str, reason: str) -> None:
    is_last = row.startswith('"灯,')
    path = written(tmp_path, "正文,电话", "一,1", *([row] if is_last else [row, "二,2"]))
    found = items(path)
    assert [item.line for item in found if item.fault] == [3]
    assert str(next(item.fault for item in found if item.fault)).startswith(reason)
    assert sum(item.fault is None for item in found) == 1 + (not is_last)


@pytest.fixture
def short_cells(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Refuse a cell of more than 100 characters. The csv module's limit is the whole process's: it is put back."""
    before = csv.field_size_limit()
    monkeypatch.setattr(tables, "FIELD_LIMIT", 100)
    yield
    csv.field_size_limit(before)


@pytest.mark.usefixtures("short_cells")
def test_a_quotation_mark_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "正文", '"灯', *(f"第{number}条" for number in range(60)))
    found = items(path)
    assert "up to line" in str(found[0].fault)
    assert sum(item.fault is None for item in found) > 20


def test_bytes_of_another_encoding_are_refused_without_being_quoted(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("正文\n灯坏了\n".encode() + b"\xff\xfe\xfd\n" + "路坏了\n".encode())
    (line, code, reason), *rest = refused(path, encoding="utf-8")
    assert (line, code, rest) == (3, "malformed", [])
    assert "--encoding" in reason


def test_a_table_without_words_says_what_to_do(tmp_path: Path) -> None:
    (fault,) = refused(written(tmp_path, "id_a,id_b", "1,2"))
    assert "--map COLUMN=text" in fault[2]
    (fault,) = refused(written(tmp_path, "正文", "灯"), columns=columns_of(["备注=title"]))
    assert "--map" in fault[2]


def test_a_row_has_the_same_name_in_every_encoding_and_mapping(tmp_path: Path) -> None:
    one = items(written(tmp_path, "正文,备注", "灯,x"))
    same = items(written(tmp_path, "正文,备注", "灯,x", encoding="gb18030"), columns=columns_of(["备注=title"]))
    other = items(written(tmp_path, "正文,备注", "灯,y"))
    assert one[0].identifier == same[0].identifier != other[0].identifier


def test_rows_that_are_the_same_are_as_many_messages_and_the_same_ones_again(tmp_path: Path) -> None:
    path = written(tmp_path, "正文", "灯坏了", "路坏了", "灯坏了", "灯坏了")
    memory, totals = imported(path)
    assert (totals.published, totals.known) == (4, 0)
    longer = written(tmp_path, "正文", "路坏了", *["灯坏了"] * 4, name="b.csv")
    _, totals = imported(longer, memory=memory)
    assert (totals.published, totals.known) == (1, 4)


def test_sources_of_other_systems_become_channels(tmp_path: Path) -> None:
    path = written(tmp_path, "正文,渠道", "灯,微信公众号", "灯,电话", "灯,人民网", "灯,")
    assert [(one.get("channel"), one.get("渠道")) for one in records(path, channel="web")] == [
        ("wechat", None),
        ("phone", None),
        ("web", "人民网"),
        ("web", None),
    ]


def workbook(path: Path, *rows: list[Any], title: str = "工单") -> Path:
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    other = book.create_sheet("其他")
    other.sheet_state = "hidden"
    other.append(["正文"])
    other.append(["另一张表"])
    book.save(path)
    return path


def test_a_workbook_is_read_as_a_table(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        ["12345热线导出"],
        HEADER.split(","),
        ["SY001", "王喆", 13800001111, datetime(2024, 1, 2, 15, 5), "投诉", " 路灯坏了 "],
        [None] * 6,
        ["SY002", None, 13800001112.0, 45293.5, None, "路坏了", "多出来的"],
    )
    found = items(path)
    assert [item.line for item in found] == [3, 5]
    assert records(workbook(tmp_path / "b.xlsx", ["正文", "时间"], ["灯", 45293.5])) == [
        {"text": "灯", "received_at": "2024-01-02T12:00:00+08:00"}
    ]
    assert found[0].data.decode() == (
        '{"external_ticket_no":"SY001","sender":{"name":"王喆","value":"13800001111"},'
        '"received_at":"2024-01-02T15:05:00+08:00","kind":"投诉","text":"路灯坏了"}'
    )
    assert "7 cells, but the header has 6" in str(found[1].fault)


def test_a_number_that_is_marked_as_a_date_is_told_to_nobody(tmp_path: Path) -> None:
    """openpyxl warns of each, and quotes it: a column of telephones may have the form of the one before it."""
    path = workbook(tmp_path / "a.xlsx", ["正文", "联系电话"], ["灯坏了", 13800001111], ["路坏了", 13800001112])
    book = openpyxl.load_workbook(path)
    for row in (2, 3):
        book.active.cell(row, 2).number_format = "yyyy-mm-dd"
    book.save(path)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert [one["text"] for one in records(path)] == ["灯坏了", "路坏了"]
    assert [str(one.message) for one in told] == []


@pytest.mark.parametrize("form", ["General", "yyyy-mm-dd", "[h]:mm:ss", "0.00E+00"])
@pytest.mark.parametrize("number", [13800001111, 13800001111.0, 13800001111.000002, 26411234])
def test_a_telephone_is_one_whatever_form_excel_gave_the_cell(tmp_path: Path, form: str, number: float) -> None:
    path = workbook(tmp_path / "a.xlsx", ["正文", "联系电话", "时间"], ["灯坏了", number, datetime(2024, 1, 2, 15, 5)])
    book = openpyxl.load_workbook(path)
    book.active.cell(2, 2).number_format = form
    book.save(path)
    (one,) = records(path)
    assert one["sender"] == {"value": str(round(number))}
    assert one["received_at"] == "2024-01-02T15:05:00+08:00"


@pytest.mark.parametrize("form", ["yyyy-mm-dd", "[h]:mm:ss", "yyyy-mm-dd hh:mm"])
@pytest.mark.parametrize("number", [12345, 12345.0, 963707, 55])
def test_a_short_number_is_one_in_a_column_of_numbers_whatever_form_excel_gave_it(
    tmp_path: Path, form: str, number: float
) -> None:
    path = workbook(
        tmp_path / "a.xlsx",
        ["正文", "联系电话", "热线号码", "工单编号", "办结日期", "受理时间"],
        ["灯坏了", number, number, number, datetime(2024, 1, 3), datetime(2024, 1, 2)],
    )
    book = openpyxl.load_workbook(path)
    for column in (2, 3, 4):
        book.active.cell(2, column).number_format = form
    book.save(path)
    (one,) = records(path)
    wanted = str(round(number))
    assert (one["sender"]["value"], one["hotline_code"], one["external_ticket_no"]) == (wanted, wanted, wanted)
    assert (one["办结日期"], one["received_at"]) == ("2024-01-03 00:00:00", "2024-01-02T00:00:00+08:00")


def test_rows_that_a_workbook_leaves_out_count_and_a_line_is_named_as_excel_numbers_it(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["正文"], ["灯坏了"])
    book = openpyxl.load_workbook(path)
    book.active.cell(9, 1).value = "路坏了"
    book.save(path)
    assert [item.line for item in items(path)] == [2, 9]


def test_a_formula_that_no_program_has_worked_out_is_refused_by_its_column(tmp_path: Path) -> None:
    """What writes workbooks by itself leaves its results out; the row had come without its telephone."""
    rows = [["灯坏了", "=TEXT(13800001111,0)"], ['=CONCATENATE("路","坏了")', 13800001112], ["井盖没了", 13800001113]]
    path = workbook(tmp_path / "a.xlsx", ["正文", "联系电话"], *rows)
    assert [(line, why.partition(":")[0]) for line, _, why in refused(path)] == [
        (2, "the column 联系电话 contains a formula without its result"),
        (3, "the column 正文 contains a formula without its result"),
    ]
    assert [item.line for item in items(path) if item.fault is None] == [4]


@pytest.mark.parametrize(
    ("result", "sender"), [("<v>13800001111</v>", {"value": "13800001111"}), ("<v></v>", None), ("<v/>", None)]
)
def test_a_formula_is_its_result_which_may_be_an_empty_text(
    tmp_path: Path, result: str, sender: dict[str, str] | None
) -> None:
    path = as_excel_writes_it(tmp_path / "a.xlsx", ["正文", "联系电话"], ["灯坏了", "此处"])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    before = parts["xl/sheet.xml"]
    parts["xl/sheet.xml"] = before.replace('<c t="s"><v>3</v></c>', f'<c t="str"><f>IF(1,"","")</f>{result}</c>')
    assert parts["xl/sheet.xml"] != before
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    (one,) = records(path)
    assert one.get("sender") == sender


def test_a_row_whose_cell_is_merged_with_the_one_above_is_refused(tmp_path: Path) -> None:
    """A clerk merges the cells of one caller's complaints: all but the first had come without a telephone."""
    path = workbook(
        tmp_path / "a.xlsx",
        ["十一月来电", None, None, "制表 李"],
        [None, None, None, "2026"],
        ["正文", "备注", "标题", "联系电话"],
        ["灯坏了", None, None, 13800001111],
        ["路坏了", "急", None, None],
        [None, None, None, None],
        ["井盖没了", None, None, 13800001112],
    )
    book = openpyxl.load_workbook(path)
    for cells in ("A1:C2", "D4:D6", "B7:C7"):
        book.active.merge_cells(cells)
    book.save(path)
    ((line, code, why),) = refused(path)
    assert (line, code, why.partition(":")[0]) == (5, "malformed", "the column 联系电话 is merged with the row above")
    assert [item.line for item in items(path) if item.fault is None] == [4, 7]


@pytest.mark.parametrize("column", ["来电号码", "会话编号", "工单编号"])
@pytest.mark.parametrize("number", ["1.38E+10", "1.38001E+10", "2.0240102E+16"])
def test_a_number_that_lost_its_last_digits_is_nobodys(tmp_path: Path, column: str, number: str) -> None:
    """A spreadsheet that is saved as CSV: half a city has the telephone 1.38E+10."""
    path = written(tmp_path, f"正文,{column}", f"灯坏了,{number}", f"路坏了,{float(number):.0f}")
    ((line, code, why),) = refused(path, columns=columns_of(["会话编号=thread_id"] if column == "会话编号" else []))
    assert (line, code) == (2, "malformed")
    assert why.startswith(f"the column {column} has lost the last digits of a number")
    assert number not in why
    (kept, _) = records(path, columns=columns_of([f"{column}=extra"]))
    assert kept[column] == number


@pytest.mark.parametrize("mark", ["'", "`", "\t"])
def test_a_mark_that_keeps_a_number_as_text_is_none_of_it(tmp_path: Path, mark: str) -> None:
    """By '13800138123 nobody was known again: it was somebody's name."""
    path = written(tmp_path, "正文,来电号码,工单编号", f"灯坏了,{mark}13800138123,{mark}20240102001")
    (one,) = records(path)
    assert (one["sender"], one["external_ticket_no"]) == ({"value": "13800138123"}, "20240102001")
    (kept,) = records(path, columns=columns_of(["工单编号=id"]))
    assert kept["id"] == f"{mark}20240102001".strip()


def test_a_number_that_is_written_with_a_power_and_has_all_its_digits_is_one(tmp_path: Path) -> None:
    (one,) = records(written(tmp_path, "正文,来电号码", "灯坏了,1.3800138123E+10"))
    assert one["sender"] == {"value": "13800138123"}


@pytest.mark.parametrize("column", ["联系电话", "工单编号"])
def test_a_number_of_a_workbook_that_is_longer_than_excel_keeps_is_refused(tmp_path: Path, column: str) -> None:
    """Excel writes 20240102000123456 down as 2.02401020001234E+16."""
    path = workbook(tmp_path / "a.xlsx", ["正文", column], ["灯坏了", 2.02401020001234e16], ["路坏了", 13800001111.0])
    assert [(line, code) for line, code, _ in refused(path)] == [(2, "malformed")]


SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PARTS = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORKSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def as_excel_writes_it(path: Path, *rows: list[str]) -> Path:
    """A workbook whose texts stand in a table of strings; openpyxl writes them into the cells."""
    strings = list(dict.fromkeys(text for row in rows for text in row))
    runs = [f"<si><r><t>{text[:1]}</t></r><r><t>{text[1:]}</t></r></si>" for text in strings]
    cells = ["<row>" + "".join(f'<c t="s"><v>{strings.index(text)}</v></c>' for text in row) + "</row>" for row in rows]
    kinds = {"workbook": "sheet.main", "sheet": "worksheet", "strings": "sharedStrings"}
    types = "".join(
        f'<Override PartName="/xl/{name}.xml" ContentType="{WORKSHEET}.{kind}+xml"/>' for name, kind in kinds.items()
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{PARTS}/content-types">{types}</Types>')
        sheets = '<sheets><sheet name="工单" sheetId="1" r:id="a"/></sheets>'
        archive.writestr("xl/workbook.xml", f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}">{sheets}</workbook>')
        relation = f'<Relationship Id="a" Type="{OFFICE}/worksheet" Target="sheet.xml"/>'
        archive.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PARTS}/relationships">{relation}</Relationships>'
        )
        archive.writestr(
            "xl/sheet.xml", f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(cells)}</sheetData></worksheet>'
        )
        archive.writestr("xl/strings.xml", f'<sst xmlns="{SHEET}">{"".join(runs)}</sst>')
    return path


def test_a_table_of_strings_is_read_from_the_disk(tmp_path: Path) -> None:
    rows = [["正文", "标题"], *(["灯坏了" * number, f"第{number}条"] for number in range(1, 50))]
    assert records(as_excel_writes_it(tmp_path / "a.xlsx", *rows)) == [
        {"text": text, "title": title} for text, title in rows[1:]
    ]


def test_a_cell_that_names_no_string_ends_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = as_excel_writes_it(tmp_path / "a.xlsx", ["正文"], ["灯"])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/strings.xml", f'<sst xmlns="{SHEET}"><si><t>正文</t></si></sst>')
    assert [code for _, code, _ in refused(path)] == ["malformed"]


def test_line_ends_in_cells_are_line_ends(tmp_path: Path) -> None:
    (one,) = records(workbook(tmp_path / "a.xlsx", ["正文"], ["灯_x000D_\n坏了"]))
    assert one["text"] == "灯\r\n坏了"


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["正文"], ["灯"])
    assert records(path, sheet="其他") == [{"text": "另一张表"}]
    assert "工单, 其他" in refused(path, sheet="没有")[0][2]


def test_a_sheet_with_messages_that_is_not_read_is_told(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "一月"
    for sheet, rows in (
        (book.active, [["正文"], ["灯坏了"]]),
        (book.create_sheet("二月"), [["二月导出"], ["正文"], ["路坏了"]]),
        (book.create_sheet("三月"), [["正文"]]),  # nothing in it yet
        (book.create_sheet("说明"), [["制表人", "李"]]),
        (book.create_sheet("Sheet2"), []),
        (book.create_chartsheet("图"), []),
    ):
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    memory, totals = imported(tmp_path / "a.xlsx")
    assert [json.loads(message.value)["text"] for message in memory.messages] == ["灯坏了"]
    ((_, code, reason),) = refused(tmp_path / "a.xlsx")
    assert (code, totals.refusals) == ("unsupported", 1)
    assert reason == "the sheet 二月 was not read: import it with --sheet, or hide it"
    assert records(tmp_path / "a.xlsx", sheet="二月") == [{"text": "路坏了"}]


def test_a_damaged_workbook_is_one_refusal_and_the_next_file_goes_on(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "b.xlsx", ["正文"], ["灯"]).read_bytes()
    (tmp_path / "a.xlsx").write_bytes(whole[: len(whole) // 2])
    memory, totals = imported(tmp_path)
    assert (len(memory.messages), dict(totals.refused)) == (1, {"malformed": 1})


def test_an_archive_is_no_spreadsheet_that_could_be_saved_otherwise(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.csv", f"{HEADER}\n{LAMP}\n")
    ((_, code, reason),) = refused(tmp_path)
    assert (code, reason) == ("unsupported", "an archive: unpack it, and name the folder")


def test_an_old_workbook_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert "save it as .xlsx" in refused(path)[0][2]


def test_a_workbook_behind_a_password_is_not_said_to_be_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    ((_, code, reason),) = refused(path)
    assert (code, "without a password" in reason) == ("unsupported", True)
