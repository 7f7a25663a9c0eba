"""Small files that unpack without end: refused or read past, in bounded memory, and what stands beside them goes on."""

import gzip
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import openpyxl
import pytest

from hotline.imports import sheets, tables
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
