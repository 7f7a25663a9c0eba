"""A PBX whose times are of another zone than it was said is noticed at its first call."""

from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from connectors.phone.zone_check import ZoneCheck
from normalizers.phone import ami, values
from tests.connectors.call_files.growing import Folder
from tests.normalizers.phone import frames


def hours(zone: str, *events: bytes) -> list[float]:
    checked, where = ZoneInfo(zone), ZoneCheck("asterisk", "pbx", ZoneInfo(zone))
    with structlog.testing.capture_logs() as lines:
        for value in events:
            frame = ami.parse(value)
            where.look(values.time_of(frame.word("starttime"), checked), frame.word("uniqueid"))
    assert [line["sentence"] for line in lines if "connectors.asterisk.pbx.timezone" not in line["sentence"]] == []
    return [line["hours_early"] for line in lines]


def test_a_zone_that_is_right_says_nothing_and_a_wrong_one_once() -> None:
    every = (frames.CHAN_START, frames.USER_EVENT, frames.CDR, frames.HANGUP, frames.CDR)
    assert hours("UTC", *every) == []
    assert hours("Asia/Shanghai", *every) == [8.0]


def test_what_begins_later_in_a_call_and_what_cannot_be_read_says_nothing() -> None:
    later = frames.CDR.replace(b"22:39:08", b"23:59:00")
    odd = [frames.CDR.replace(b"1795646348.0", name) for name in (b"call-7", b"", b"99999999999999999999.1")]
    assert hours("UTC", later, *odd, frames.CDR.replace(b"2026-11-25 22:39:08", b"yesterday")) == []
    named = frames.CDR.replace(b"1795646348.0", b"pbx1-1795646348.0")  # systemname of asterisk.conf
    assert hours("Asia/Shanghai", named) == [8.0]


def test_the_file_of_a_pbx_in_another_zone_is_noticed_too(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"shape": "asterisk", "pattern": "Master.csv*", "growing": True})
    folder.put("Master.csv", frames.LINE + b"\n")  # usegmtime = yes
    with structlog.testing.capture_logs() as lines:
        folder.all()
    (line,) = [line for line in lines if line["event"] == "asterisk_zone_wrong"]
    assert line["hours_early"] == 8.0
    assert "connectors.call_files.files.timezone" in line["sentence"]
