"""Any bytes under any name become records or refusals, never an exception; and nothing is counted twice."""

import gzip
import json
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hotline.importer.sources import BY_SUFFIX
from tests.hotline.imports.reading import imported

TEXTS = [
    "正文",
    "正文,标题\n",
    '{"text":"',
    '{"text":"\\ud800","id":"\\ud800","sender":"\\ud800"}\n',
    "Date: ",
    "\ufeff",
    ">From ",
]
MARKS = [b"\n", b"\r\n", b",", b'"', b"\t", b"{", b"}", b"From ", b"\xff\xfe", b"\x00", b"PK\x03\x04"]
POSTMARK = b"From a Tue Jan  2 03:04:05 2024\n"
FRAGMENTS = st.sampled_from([*MARKS, POSTMARK, *map(str.encode, TEXTS), "正文,标题\n".encode("gb18030")])
BYTES = st.lists(st.one_of(FRAGMENTS, st.binary(max_size=8)), max_size=30).map(b"".join)


@pytest.mark.parametrize("suffix", [*BY_SUFFIX, "", ".csv.gz"])
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=BYTES)
def test_any_bytes_become_records_or_refusals(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(gzip.compress(data) if suffix.endswith(".gz") else data)
    memory, totals = imported(path)
    assert totals.read == totals.published + totals.known + totals.refusals
    assert totals.refused["internal"] == 0
    assert len({raw.message_id for raw in memory.messages}) == totals.published
    for raw in memory.messages:
        raw.outbound()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(lambda text: text.strip()),
        min_size=1,
    )
)
def test_every_text_of_a_table_arrives(tmp_path: Path, rows: list[str]) -> None:
    path = tmp_path / "a.csv"
    quoted = ['"' + row.replace('"', '""') + '"' for row in rows]
    path.write_text("\n".join(["正文", *quoted]), encoding="utf-8")
    memory, totals = imported(path)
    assert totals.refusals == 0
    texts = {json.loads(raw.value)["text"] for raw in memory.messages}
    assert texts >= {row.strip() for row in rows if not row.strip().startswith("=")}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.binary(min_size=1, max_size=20))
def test_a_damaged_workbook_is_read_as_far_as_it_goes(tmp_path: Path, place: float, byte: bytes) -> None:
    path = tmp_path / "a.xlsx"
    if not (tmp_path / "whole.xlsx").exists():
        book = openpyxl.Workbook()
        for row in (["正文", "时间"], ["灯坏了", 45293.5], ["路坏了", "昨天"]):
            book.active.append(row)
        book.save(tmp_path / "whole.xlsx")
    data = bytearray((tmp_path / "whole.xlsx").read_bytes())
    start = int(place * len(data))
    data[start : start + len(byte)] = byte
    path.write_bytes(data)
    _, totals = imported(path)
    assert totals.refused["internal"] == 0
    assert totals.read == totals.published + totals.known + totals.refusals > 0
