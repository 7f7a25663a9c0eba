"""Headers and times of other systems, and the operator's own mapping."""

from datetime import date, datetime
from pathlib import Path

import pytest

from hotline.importer import columns, times
from hotline.importer.columns import columns_of, folded
from normalizers import record
from schemas.errors import MisconfiguredError
from tests.rows import each_row


def test_every_header_names_one_field() -> None:
    names = [folded(name) for names in columns._DATA["fields"].values() for name in names]
    assert sorted(names) == sorted(set(names))


def test_a_header_is_known_however_it_is_decorated() -> None:
    for header in ("来电内容", " 来电 内容 ", "*来电内容", "来电内容（必填）", "来电内容(500字)", "ＢＯＤＹ", "Body"):
        assert columns_of([]).plan([header]).fields == (("text",),), header


def test_of_two_columns_for_one_field_the_better_one_is_it() -> None:
    plan = columns_of([]).plan(["内容", "诉求内容", "联系电话", "来电号码"])
    assert plan.fields == (("extra",), ("text",), ("extra",), ("sender.value",))


def test_an_unmapped_column_is_never_a_field_by_accident() -> None:
    found = columns_of(["text=extra", "正文=text"]).plan(["text", "正文", "sender"]).record(["a", "b", "c"], None)
    assert found == {"text (column)": "a", "text": "b", "sender": {"value": "c"}}


@pytest.mark.parametrize("pair", ["正文", "=text", "正文=words"])
def test_what_is_no_mapping_is_told(pair: str) -> None:
    with pytest.raises(MisconfiguredError):
        columns_of([pair])


def test_a_mapping_file_and_pairs_over_it(tmp_path: Path) -> None:
    file = tmp_path / "m.toml"
    file.write_text('"正文" = "title"\n"编号" = ["id", "external_ticket_no"]\n', encoding="utf-8")
    assert columns_of(["正文=text"], file).chosen == {"正文": ("text",), "编号": ("id", "external_ticket_no")}
    file.write_text("正文", encoding="utf-8")
    with pytest.raises(MisconfiguredError, match="TOML"):
        columns_of([], file)


@each_row(
    ("cell", "wanted"),
    [
        ("2024年1月2日 星期二 下午3点05分", "2024-01-02T15:05:00+08:00"),
        ("2024年1月2日上午9时5分", "2024-01-02T09:05:00+08:00"),
        ("2024-01-02 凌晨12:05", "2024-01-02T00:05:00+08:00"),
        ("2024-01-02 中午12:05", "2024-01-02T12:05:00+08:00"),
        ("2024年1月2日 晚上12点", "2024-01-03T00:00:00+08:00"),
        ("2024-12-31 夜里12:30", "2025-01-01T00:30:00+08:00"),
        ("2024-01-02 半夜1点", "2024-01-02T01:00:00+08:00"),
        ("2024-01-02 深夜11:40", "2024-01-02T23:40:00+08:00"),
        ("2024-01-02 晚上8：05", "2024-01-02T20:05:00+08:00"),
        ("2024-01-02 下午12:30", "2024-01-02T12:30:00+08:00"),
        ("2024年1月2日 上午9点", "2024-01-02T09:00:00+08:00"),
        ("2024.1.2 9:05", "2024-01-02T09:05:00+08:00"),
        ("2024/1/2", "2024-01-02T00:00:00+08:00"),
        ("20240102090500", "2024-01-02T09:05:00+08:00"),
        ("20240102", "2024-01-02T00:00:00+08:00"),
        (45293.5, "2024-01-02T12:00:00+08:00"),
        ("45293", "2024-01-02T00:00:00+08:00"),
        (datetime(2024, 1, 2, 9, 5), "2024-01-02T09:05:00+08:00"),
        (date(2024, 1, 2), "2024-01-02T00:00:00+08:00"),
        ("1704157506000", "2024-01-02T09:05:06+08:00"),
        ("2024-01-02T01:05:00Z", "2024-01-02T09:05:00+08:00"),
    ],
)
def test_times_as_exports_write_them(cell: object, wanted: str) -> None:
    assert record.time_of({"received_at": times.readable(cell)}) == datetime.fromisoformat(wanted)


def test_a_time_that_nobody_can_read_stays_as_it_is() -> None:
    assert times.readable("昨天上午") == "昨天上午"
