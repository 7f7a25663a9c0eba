"""Small files that unpack without end: refused or read past, in bounded memory, and what stands beside them goes on."""

import gzip
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from hotline.importer import lines, sheets, tables
from tests.hotline.imports.reading import items, refused

MIB = 1 << 20


def workbook(tmp_path: Path, sheet: bytes) -> Path:
    """Return a workbook whose sheet is these bytes."""
    book, whole, path = openpyxl.Workbook(), BytesIO(), tmp_path / "a.xlsx"
    book.active.append(["正文"])
    book.save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, sheet if name.startswith("xl/worksheets/") else source.read(name))
    return path


def test_a_workbook_that_unpacks_to_hundreds_of_times_its_size_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "BOMB_BYTES", 4 * MIB)
    path = workbook(tmp_path, b"<worksheet><sheetData>" + b"<row></row>" * MIB + b"</sheetData></worksheet>")
    assert path.stat().st_size < MIB / 4
    ((_, code, reason),) = refused(path)
    assert code == "malformed"
    assert "unpacks" in reason


def test_entities_in_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (at, b"&l%d;" % (at - 1) * 10) for at in range(1, 9))
    bomb = b'<?xml version="1.0"?><!DOCTYPE worksheet [<!ENTITY l0 "ha">' + laughs + b"]><worksheet>&l8;</worksheet>"
    ((_, code, reason),) = refused(workbook(tmp_path, bomb))
    assert code == "malformed"
    assert "haha" not in reason


def test_a_workbook_that_nests_without_end_is_read_or_refused(tmp_path: Path) -> None:
    deep = b"<worksheet><sheetData>" + b"<row>" * 50_000
    found = refused(workbook(tmp_path, deep))
    assert [code for _, code, _ in found] == ["malformed"]


def test_a_packed_line_without_end_fills_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "LINE_LIMIT", MIB)
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write("正文\n灯坏了\n".encode())
        for _ in range(48):
            packed.write(b"," * MIB)
        packed.write("\n路坏了\n".encode())
    tracemalloc.start()
    try:
        found = items(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [(item.line, item.fault is None) for item in found] == [(2, True), (3, False), (3, True)]
    assert f"a line of more than {MIB} characters" in str(found[1].fault)
    assert peak < 32 * MIB


def test_a_gzip_that_is_damaged_or_cut_off_says_so(tmp_path: Path) -> None:
    whole = gzip.compress("正文\n".encode() + "灯坏了\n".encode() * 1000, mtime=0)
    for name, data in {
        "cut.csv.gz": whole[:-20],
        "none.csv.gz": b"no gzip",
        "bad.csv.gz": whole[:12] + b"\xff" * 30,
    }.items():
        path = tmp_path / name
        path.write_bytes(data)
        assert refused(path), name


def sheet_of(rows: int, merged: str) -> bytes:
    cell = '<c r="{0}{1}" t="inlineStr"><is><t>{2}</t></is></c>'
    told = {1: "正文", **{one: f"灯坏了{one}" for one in range(2, rows + 1)}}
    body = "".join(f'<row r="{one}">{cell.format("A", one, text)}</row>' for one, text in told.items())
    return (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{body}</sheetData><mergeCells>{merged}</mergeCells></worksheet>"
    ).encode()


def test_thousands_of_wide_merged_cells_cost_no_more_than_their_rows(tmp_path: Path) -> None:
    merged = "".join(f'<mergeCell ref="B{1 + one % 500}:XFD{600 + one}"/>' for one in range(3000))
    found = items(workbook(tmp_path, sheet_of(515, merged)))
    assert len(found) == 514
    assert [item.fault for item in found if item.fault] == []


def test_more_merged_cells_than_any_clerk_makes_are_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_MERGED", 10)
    merged = "".join(f'<mergeCell ref="B{one}:C{one + 1}"/>' for one in range(1, 20, 2)) + '<mergeCell ref="D1:D9"/>'
    ((_, code, reason),) = refused(workbook(tmp_path, sheet_of(20, merged)))
    assert (code, reason.partition(":")[2]) == ("too_large", " split them")


def test_a_cell_far_to_the_right_refuses_its_row_alone(tmp_path: Path) -> None:
    sheet = sheet_of(3, "").replace(b"</row></sheetData>", b'<c r="XFD3"><v>1</v></c></row></sheetData>')
    found = items(workbook(tmp_path, sheet))
    assert [(item.line, item.code) for item in found] == [(2, None), (3, "too_large")]


@pytest.mark.parametrize("name", ["a.mbox.gz", "a.jsonl.gz", "a.csv.gz"])
def test_a_line_without_end_gives_the_file_up_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(lines, "READ_PAST", 64 * MIB)
    first = {
        "a.mbox.gz": b"From a@x.cn Sat Nov 28 09:30:00 2026\n\nx\n\nFrom a@x.cn Sat Nov 28 09:31:00 2026\n\n",
        "a.jsonl.gz": b'{"text": "x"}\n',
        "a.csv.gz": b"text\nx\n",
    }[name]
    path = tmp_path / name
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(first)
        for _ in range(128):
            packed.write(b" " * MIB)
    found = items(path)
    assert found[0].fault is None
    assert found[-1].code == "too_large"
    assert "is longer than 64 MiB" in str(found[-1].fault)
