"""Neutral records, objects with other names, and what the raw record of each says."""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from hotline.importer import lines, records
from hotline.importer.columns import columns_of
from tests.hotline.imports.reading import CITY, imported, items, refused
from tests.hotline.imports.reading import records as read_records


def written(folder: Path, *found: object) -> Path:
    path = folder / "a.jsonl"
    path.write_text("\n".join(one if isinstance(one, str) else json.dumps(one) for one in found), encoding="utf-8")
    return path


def test_a_neutral_record_is_published_as_it_is(tmp_path: Path) -> None:
    line = '{"id": "7",  "text": "灯", "extra words": 1, "received_at": "2024-01-02 09:00"}'
    memory, _ = imported(written(tmp_path, line, "", {"text": "路"}))
    first, second = memory.messages
    assert (first.value, first.envelope.id) == (line.encode(), "7")
    assert second.envelope.id == hashlib.sha256(second.value).hexdigest()
    assert (first.envelope.source, first.jurisdiction) == ("/hotline/record/old_system", CITY)
    assert first.envelope.time == datetime(2024, 1, 2, 1, tzinfo=UTC)
    assert first.backfill


def test_a_record_may_name_its_own_account_and_city(tmp_path: Path) -> None:
    memory, _ = imported(
        written(
            tmp_path,
            {"text": "灯", "account": "office_2", "jurisdiction": "110000", "channel_kind": "letter"},
            {"text": "灯", "account": "王喆", "jurisdiction": "北京", "channel_kind": "信"},
        )
    )
    said = [(raw.envelope.account, raw.jurisdiction, raw.envelope.channelkind) for raw in memory.messages]
    assert said == [("office_2", "110000", "letter"), ("old_system", CITY, "record")]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_whoever_knows_a_line_but_its_telephone_does_not_find_its_name_by_trying(tmp_path: Path, name: str) -> None:
    line = '{"text": "路灯坏了", "sender": {"value": "13800138000"}}'
    (tmp_path / name).write_text(line if name == "a.jsonl" else "诉求内容,联系电话\n路灯坏了,13800138000\n")
    names = {
        items(tmp_path / name, naming_key=key)[0].identifier for key in (None, *map(SecretStr, ("k" * 16, "l" * 16)))
    }
    assert len(names) == 3


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
@pytest.mark.parametrize(
    "told", ["13800138000", "SY13800138000", "138-0013-8000_2", "11010519491231002X", "li@mail.example"]
)
def test_an_id_that_is_a_citizens_number_is_not_found_by_trying_all_of_them(
    tmp_path: Path, name: str, told: str
) -> None:
    line = json.dumps({"id": told, "text": "路灯坏了"}) if name == "a.jsonl" else f"id,诉求内容\n{told},路灯坏了\n"
    (tmp_path / name).write_text(line, encoding="utf-8")
    named = [
        items(tmp_path / name, naming_key=key)[0].identifier for key in (None, *map(SecretStr, ("k" * 16, "l" * 16)))
    ]
    assert len(set(named)) == 3
    assert named[0] == told, "without a key nothing else names it"
    assert told not in named[1:]


@pytest.mark.parametrize(
    "told",
    [
        "7", "23456789", "20240101000123", "202401010001234", "202401010001234567", "FZ202401010000123", "2024-000187",
        "210100-20261125-000187-8", "b13812345678abcdef0123456789abcd", "留言2024001",
    ],
)  # fmt: skip
def test_an_id_that_another_system_counted_stays_the_name(tmp_path: Path, told: str) -> None:
    path = written(tmp_path, {"id": told, "text": "灯"})
    assert items(path, naming_key=SecretStr("k" * 16))[0].identifier == told


def test_without_a_time_it_is_the_files(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "着火了"})
    os.utime(path, (1_600_000_000, 1_600_000_000))
    (raw,) = imported(path)[0].messages
    assert raw.envelope.time == datetime.fromtimestamp(1_600_000_000, UTC)


def test_objects_with_other_names_are_mapped(tmp_path: Path) -> None:
    path = written(tmp_path, {"id": 7, "body": "灯坏了", "subject": "灯", "source": "网站", "reply": "已修", "n": [1]})
    assert read_records(path, channel="phone") == [
        {"id": "7", "text": "灯坏了", "title": "灯", "channel": "web", "reply": "已修", "n": [1]}
    ]


def test_a_mapping_that_is_named_holds_for_neutral_records_too(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "灯", "note": "坏了"})
    assert read_records(path, columns=columns_of(["text=title", "note=text"])) == [{"title": "灯", "text": "坏了"}]


def test_the_channel_is_that_of_records_without_one(tmp_path: Path) -> None:
    path = written(tmp_path, {"text": "灯"}, {"text": "灯", "channel": "sms"})
    assert [one["channel"] for one in read_records(path, channel="phone")] == ["phone", "sms"]


def test_attachments_lie_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    memory, _ = imported(written(tmp_path, {"text": "灯", "attachments": [{"path": "photo.jpg"}]}))
    assert json.loads(memory.messages[0].value)["attachments"][0]["data"] == "/9g="


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "one JSON object per line"),
        ('{"title": 1, "id": []}', "the field id"),
        ('{"id": "1"}', "neither text, title nor files"),
        ('{"text": ""}', "neither text, title nor files"),
        ('{"text": " \\n", "title": "", "attachments": []}', "neither text, title nor files"),
        ('{"text": null, "title": "灯"}', "the field text of the neutral record is missing"),
        ('{"text": "灯", "channel": "电报"}', "the field channel"),
        ('{"text": "灯", "id": "\\ud800"}', "half a character"),
        ('{"text": "灯", "id": "' + "7" * 2000 + '"}', "longer than 1024"),
    ],
)
def test_what_the_pipeline_would_refuse_is_refused_by_its_line(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, {"text": "一"}, line, {"text": "二"})
    memory, totals = imported(path)
    (refusal,) = totals.first
    assert (refusal.line, len(memory.messages)) == (2, 2)
    assert reason in refusal.reason
    assert "灯" not in refusal.reason


def test_a_letter_that_is_only_scanned_and_one_that_is_only_a_title_are_taken(tmp_path: Path) -> None:
    (tmp_path / "scan.pdf").write_bytes(b"%PDF")
    scanned = {"text": "", "attachments": [{"path": "scan.pdf"}]}
    memory, totals = imported(written(tmp_path, scanned, {"text": "", "title": "灯"}))
    assert (len(memory.messages), totals.first) == (2, [])


def test_a_line_over_the_limit_is_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = [(1, b"a\n"), (2, None), (3, b"12345678\n"), (4, b"b")]
    (tmp_path / "a").write_bytes(b"a\n" + b"x" * 95 + b"\n12345678\nb")
    with (tmp_path / "a").open("rb") as file:
        assert list(lines.numbered(file, 10)) == short
    monkeypatch.setattr(records, "numbered", lambda file: lines.numbered(file, 30))
    path = written(tmp_path, {"text": "x" * 90}, {"text": "b"})
    assert [(line, code) for line, code, _ in refused(path)] == [(1, "too_large")]
    assert items(path)[1].fault is None
