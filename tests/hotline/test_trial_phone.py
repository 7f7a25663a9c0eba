"""`hotline try --channel phone`: records of calls in files, decided as they would be."""

import json
from pathlib import Path

import pytest

from hotline.cli import main


def tried(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    monkeypatch.setattr(
        "sys.argv", ["hotline", "try", str(folder), "--channel", "phone", "--stage", "ticket", "--json"]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_records_of_one_call_are_one_ticket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call = {"call_id": "1", "started_at": "2026-11-25T09:00:00+08:00"}
    records = [call | {"caller": "13800138000"}, call | {"revision": 2, "note": "路灯坏了"}, {"note": "no call"}]
    for number, record in enumerate(records):
        (tmp_path / f"{number}.json").write_text(json.dumps(record), "utf-8")
    (tmp_path / "3.txt").write_bytes(b"Event: UserEvent\r\nLinkedid: 1\r\nNote: lamp")
    waiting, note, dead, event = tried(tmp_path, capsys, monkeypatch)
    assert [one["relation"] for one in (waiting, note, dead, event)] == ["no_ticket", "new", None, "new"]
    assert waiting["ticket"] == note["ticket"] != None  # noqa: E711 - both are the same one
    assert event["ticket"] != note["ticket"], "it names no day, so that it is of the day on which it is tried"
    assert dead["dead"] is not None
