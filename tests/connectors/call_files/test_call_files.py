"""Folders of call files: uploads, rotation, half-written files, and whatever else a folder may hold."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connectors import metrics
from connectors.publish.publisher import HEADERS_LIMIT
from schemas.errors import MisconfiguredError, UnreachableError
from tests.connectors.call_files.growing import HEADING, Folder, rows
from tests.normalizers.phone import frames

MASTER: dict[str, Any] = {"shape": "asterisk", "pattern": "Master.csv*", "growing": True, "platform": "pbx"}
LINE = frames.LINE + b"\n"


def line(number: int) -> bytes:
    return LINE.replace(b"1795646348.0", b"1795646348.%d" % number)


def calls(messages: Any) -> list[int]:
    return [int(message.conversation.rsplit(".", 1)[1]) for message in messages]


def test_a_file_is_read_when_it_stood_still(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,13800138000,x,\n")
    assert folder.all(seconds=4.9) == []
    folder.add("a.csv", "2,13800138000,y,\n")
    assert folder.all(seconds=4.9) == []
    assert rows(folder.all(seconds=5)) == ["1,13800138000,x,", "2,13800138000,y,"]
    assert folder.all() == []


def test_an_uploaders_old_time_does_not_make_a_file_ready(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n")
    os.utime(tmp_path / "a.csv", (0, 0))
    assert list(folder.fetch().messages) == []
    assert len(folder.all()) == 1


@pytest.mark.parametrize("line", ["20261125-13800138000,13800138000,x,", ",13800138000,x,"])
def test_whoever_knows_the_words_and_tries_all_telephones_does_not_find_a_lines_name(tmp_path: Path, line: str) -> None:
    names = set()
    for number, key in enumerate((None, "k" * 16, "l" * 16, "k" * 16)):
        (tmp_path / str(number)).mkdir()
        folder = Folder(tmp_path / str(number), {"naming_key": key} if key else {})
        folder.put("a.csv", f"{HEADING}{line}\n")
        (message,) = folder.all()
        names.add(message.envelope.id)
    assert len(names) == 3


def test_a_line_is_named_by_what_it_says(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,13800138000,x,\n1,13800138000,y,\n")
    folder.put("b.csv", HEADING + "1,13800138000,x,\n")
    names = [message.message_id for message in folder.all()]
    assert len(names) == 3
    assert len(set(names)) == 2


def test_a_record_says_whose_call_it_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"platform": "cti"})
    folder.put(
        "a.csv",
        "通话标识,来电号码,来电时间,诉求内容\r\n7,13800138000,2026-11-25 09:00:00,路灯坏了\r\n".encode("gb18030"),
    )
    (message,) = folder.all()
    assert (message.conversation, message.envelope.sender) == ("cti\n7", "13800138000")
    assert message.envelope.time.isoformat() == "2026-11-25T01:00:00+00:00"
    assert message.envelope.datacontenttype == 'text/csv; shape=calls; platform=cti; zone="Asia/Shanghai"'


def test_a_callers_field_without_end_leaves_room_for_the_headers_that_it_travels_in(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + f"1,{'1' * 70_000},the lift is stuck,\n")
    (message,) = folder.all()
    assert sum(len(value) for _, value in message.outbound().headers) < HEADERS_LIMIT


def test_a_file_that_goes_away_before_it_was_read_is_told_and_no_other(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,13800138000,x,\n")
    assert len(folder.all()) == 1
    folder.put("b.csv", HEADING + "2,13800138000,y,\n3,13800138000,half a li")
    assert folder.fetch().complaints == ()  # it does not stand still yet
    (tmp_path / "a.csv").unlink()
    assert folder.fetch().complaints == ()
    (tmp_path / "b.csv").rename(tmp_path / "away")
    (told,) = folder.fetch().complaints
    assert told == (
        "call files files: 1 files went away before they were read to their end: "
        "leave them longer, and deliver those again"
    )
    (tmp_path / "away").rename(tmp_path / "b.csv")
    assert folder.fetch().complaints == ()
    assert len(folder.all()) == 1
    (tmp_path / "b.csv").unlink()  # its last line may have had no end
    assert folder.fetch().complaints == (told,)


def test_a_half_written_file_that_grows_later_is_read_on(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n2,,ha")
    assert rows(folder.all()) == ["1,,x,"]
    folder.add("a.csv", "lf,\n3,,z,\n")
    assert rows(folder.all()) == ["2,,half,", "3,,z,"]


def test_a_last_line_without_an_end_is_taken_after_a_minute_and_again_when_it_grows(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n2,,whole")
    assert rows(folder.all(seconds=59)) == ["1,,x,"]
    assert rows(folder.all(seconds=2)) == ["2,,whole"]
    assert folder.all(seconds=120) == []
    folder.restart()
    assert folder.all(seconds=120) == []
    folder.add("a.csv", " of it,\n")
    assert rows(folder.all()) == ["2,,whole of it,"]


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize("more", ["", "b"])
def test_who_stood_still_inside_a_note_of_many_lines_swallows_no_line_behind_it(
    tmp_path: Path, more: str, growing: bool
) -> None:
    folder = Folder(tmp_path, {"pattern": "a.csv*", "growing": growing})
    folder.put("a.csv", HEADING + f'1,,x,\n2,,"a\n{more}')
    folder.all(seconds=61)
    folder.add("a.csv", 'c",\n3,,y,\n4,,z,\n5,,"d\ne",\n')
    assert rows(folder.all()) == [f'2,,"a\n{more}c",', "3,,y,", "4,,z,", '5,,"d\ne",']


def test_lines_behind_a_quotation_mark_that_is_never_closed_are_told_after_a_minute_and_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"max_batch_rows": 2})
    many = [f"{number},,x," for number in range(3, 10)]
    folder.put("a.csv", HEADING + "1,,x,\n" + "\n".join(['2,,"a', *many]) + "\n")
    assert rows(folder.all(seconds=61)) == ["1,,x,", '2,,"a', *many]
    folder.restart()
    assert folder.all(seconds=120) == []
    folder.add("a.csv", "10,,x,\n")
    assert rows(folder.all(seconds=61))[-1] == "10,,x,"


def test_a_heading_alone_gives_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", "call_id,note")
    folder.put("b.csv", "")
    assert folder.all(seconds=120) == []
    folder.add("a.csv", "\n1,x\n")
    assert rows(folder.all()) == ["1,x"]


def test_lines_of_an_old_spreadsheet_end_with_cr(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"max_batch_rows": 2})
    lines = ["1,13800138000,x,", '2,,"two\nlines, ""quoted""",', "3,,y,"]
    folder.put("mac.csv", "\r".join([HEADING.strip(), *lines, ""]))
    assert rows(folder.all()) == lines
    folder.restart()
    assert folder.all(seconds=120) == []
    folder.add("mac.csv", "4,,z,\r5,,last,")
    assert rows(folder.all()) == ["4,,z,"]
    assert rows(folder.all(seconds=60)) == ["5,,last,"]


def test_a_line_end_that_comes_in_two_halves_is_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING.strip() + "\r")
    assert folder.all() == []
    folder.add("a.csv", "\n1,,x\ry,\r\n")
    assert rows(folder.all()) == ["1,,x\ry,"]


def test_a_file_that_never_gets_a_whole_heading_is_complained_of(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", "call_id,note")
    folder.put("b.csv", "call_id,note")
    folder.put("empty.csv", "")
    assert folder.all(seconds=59) == []
    assert folder.fetch().complaints == ()
    folder.now += 2
    (complaint,) = folder.fetch().complaints
    assert "no complete heading line" in complaint
    folder.add("a.csv", "\n1,x\n")
    folder.add("b.csv", "\n")
    assert rows(folder.all()) == ["1,x"]
    assert folder.fetch().complaints == ()


def test_a_file_that_is_emptied_is_begun_anew_once(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n")
    folder.all()
    restarted = metrics.CALL_FILES_RESTARTED.labels("files")
    before = restarted._value.get()
    folder.put("a.csv", "")
    assert folder.all(seconds=120) == []
    folder.fetch()
    assert restarted._value.get() == before + 1


def test_a_file_that_another_replaced_is_read_from_its_beginning(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n")
    folder.all()
    restarted = metrics.CALL_FILES_RESTARTED.labels("files")
    before = restarted._value.get()
    folder.put("a.csv", HEADING + "2,,y,\n3,,longer than before,\n")  # the same inode
    assert rows(folder.all()) == ["2,,y,", "3,,longer than before,"]
    folder.put("a.csv", HEADING + "4,,z,\n")
    assert rows(folder.all()) == ["4,,z,"]
    assert restarted._value.get() == before + 2


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"max_batch_rows": 2})
    folder.put("a.csv", HEADING + "".join(f"{number},,x,\n" for number in range(5)))
    folder.fetch()
    folder.now += 5
    first = folder.fetch().messages
    folder.restart()
    assert [row.split(",")[0] for row in rows([*first, *folder.all()])] == ["0", "1", "2", "3", "4"]


def test_a_broken_line_is_a_record_of_its_own_and_the_next_is_read(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"row_max_bytes": 1024})
    folder.put("a.csv", HEADING + '1,,"open,\n2,,x,\n' + "3,,y,\n" * 300 + "4," + "z" * 3000 + "\n5,,last,\n")
    found = rows(folder.all())
    assert found[0] == '1,,"open,'
    assert "2,,x," in found
    assert found[-1] == "5,,last,"
    assert max(map(len, found)) <= 1024


def test_quoted_line_breaks_belong_to_their_line(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + '1,,"one\r\ntwo, ""three""\n",\r\n2,,x,\r\n')
    assert rows(folder.all()) == ['1,,"one\r\ntwo, ""three""\n",', "2,,x,"]


def test_links_pipes_folders_and_unfinished_names_are_passed_over(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    folder = Folder(inside)
    (tmp_path / "secret.csv").write_text(HEADING + "1,,x,\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(inside / "pipe.csv")
    (inside / "folder.csv").mkdir()
    for name in (".hidden.csv", "a.csv.part", "a.csv.filepart", "a.tmp", "b.csv.gz", "c.txt"):
        folder.put(name, HEADING + "1,,x,\n")
    assert folder.all(seconds=120) == []


def test_an_upload_that_is_renamed_at_its_end_is_read_then(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv.part", HEADING + "1,,x,\n")
    assert folder.all() == []
    (tmp_path / "a.csv.part").rename(tmp_path / "a.csv")
    assert rows(folder.all()) == ["1,,x,"]


def test_one_unreadable_file_holds_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n")
    folder.put("b.csv", HEADING + "2,,y,\n")
    opens = os.open
    monkeypatch.setattr(
        os, "open", lambda path, *args: _refused() if str(path).endswith("a.csv") else opens(path, *args)
    )
    folder.fetch()
    folder.now += 5
    batch = folder.fetch()
    assert rows(list(batch.messages)) == ["2,,y,"]
    assert "cannot be read" in batch.complaints[0]
    monkeypatch.undo()
    assert rows(folder.all()) == ["1,,x,"]


def _refused() -> int:
    raise PermissionError(13, "no")


def test_places_of_files_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n")
    folder.all()
    (tmp_path / "a.csv").unlink()
    folder.put("b.csv", HEADING + "2,,x,\n")
    folder.all()
    assert len(folder.cursor.position["files"]) == 1


def test_master_csv_is_read_while_it_grows_whole_lines_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1) + line(2)[:50])
    assert calls(folder.fetch().messages) == [1]
    folder.add("Master.csv", line(2)[50:])
    assert calls(folder.fetch().messages) == [2]
    assert folder.cursor.position["files"][str((tmp_path / "Master.csv").stat().st_ino)]["offset"] == len(line(1)) * 2


def test_a_rotated_file_is_read_to_its_end_and_no_line_twice(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1) + line(2))
    assert calls(folder.fetch().messages) == [1, 2]
    folder.add("Master.csv", line(3))
    (tmp_path / "Master.csv").rename(tmp_path / "Master.csv.1")
    folder.put("Master.csv", line(4))
    assert sorted(calls(folder.all())) == [3, 4]


@pytest.mark.parametrize("name", ["2026-11-25.old", "Master.csv.part", ".Master"])
def test_the_tail_of_a_rotated_file_is_read_whatever_its_new_name_is(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1))
    assert calls(folder.fetch().messages) == [1]
    folder.add("Master.csv", line(2))
    (tmp_path / "Master.csv").rename(tmp_path / name)
    folder.put("Master.csv", line(3))
    folder.restart()
    assert sorted(calls(folder.all())) == [2, 3]
    folder.add(name, line(4))  # by a program that has it open still
    assert calls(folder.all()) == [4]


def test_a_half_read_upload_is_read_on_after_it_was_renamed(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n2,,ha")
    assert rows(folder.all()) == ["1,,x,"]
    folder.add("a.csv", "lf,\n")
    (tmp_path / "a.csv").rename(tmp_path / "a.csv.done")
    assert rows(folder.all()) == ["2,,half,"]


def test_another_file_with_the_inode_of_one_that_was_read_is_left_alone(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1))
    folder.all()
    (tmp_path / "Master.csv").rename(tmp_path / "notes.txt")
    folder.put("notes.txt", "nothing of ours\n" * 100)
    assert folder.all() == []


@pytest.mark.parametrize("pattern", ["Master.csv", "*.csv"])
def test_a_growing_file_needs_a_pattern_that_fits_its_rotated_names(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(ValidationError, match="let pattern end with"):
        Folder(tmp_path, {**MASTER, "pattern": pattern})
    Folder(tmp_path, {**MASTER, "pattern": pattern + "*"})


def test_two_rotations_while_we_were_away_lose_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1))
    folder.fetch()
    folder.add("Master.csv", line(2))
    (tmp_path / "Master.csv").rename(tmp_path / "Master.csv.2")
    folder.put("Master.csv.1", line(3))
    folder.put("Master.csv", line(4))
    folder.restart()
    assert sorted(calls(folder.all())) == [2, 3, 4]


def test_a_copied_and_cut_file_gives_repeats_of_the_same_names(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1) + line(2))
    known = {message.message_id for message in folder.all()}
    folder.put("Master.csv.1", line(1) + line(2))
    folder.put("Master.csv", line(3))
    again = folder.all()
    assert sorted(calls(again)) == [1, 2, 3]
    assert len(known | {message.message_id for message in again}) == 3


def test_a_record_written_twice_or_late_has_one_name(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1) + line(2) + line(1))
    names = [message.envelope.id for message in folder.all()]
    assert names[0] == names[2] == "1795646348.1:cdr:1795646348.1-0"


def test_a_line_with_nuls_or_cut_off_is_its_digest_and_goes_on(tmp_path: Path) -> None:
    folder = Folder(tmp_path, MASTER)
    folder.put("Master.csv", line(1).replace(b"hotline", b"hot\0line") + b'"13800138000","cut\n' + b'"off"\n' + line(2))
    found = folder.all()
    assert calls([found[0], found[-1]]) == [1, 2]
    assert [len(message.envelope.id) == 64 for message in found] == [False, True, True, False]


def test_a_folder_that_is_away_is_waited_for(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "there") if (tmp_path / "there").mkdir() is None else None
    assert folder is not None
    (tmp_path / "there").rename(tmp_path / "away")
    with pytest.raises(UnreachableError, match="the mount"):
        folder.fetch()
    (tmp_path / "away").rename(tmp_path / "there")
    folder.fetch()


def test_no_city_no_connector(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="jurisdiction"):
        Folder(tmp_path, {"jurisdiction": None})


def test_a_line_of_a_growing_file_is_no_older_than_the_last_look_at_its_end(tmp_path: Path) -> None:
    folder = Folder(tmp_path, {"growing": True, "pattern": "calls.csv*"})
    folder.put("calls.csv", HEADING + "1,,x,\n")
    assert [one.envelope.notbefore for one in folder.all()] == [None], "nobody saw it being written"
    folder.taken_at += timedelta(hours=1)
    folder.all()
    looked, folder.taken_at = folder.taken_at, folder.taken_at + timedelta(hours=1)
    folder.add("calls.csv", "2,,y,\n3,,z,\n")
    assert [one.envelope.notbefore for one in folder.all()] == [looked, looked]
    folder.put("calls.csv", HEADING + "7,,another file,\n8,,in its place,\n9,,and longer,\n")
    assert [one.envelope.notbefore for one in folder.all()] == [None] * 3


def test_a_file_that_is_delivered_may_be_of_old_calls(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.put("a.csv", HEADING + "1,,x,\n")
    folder.all()
    folder.all()
    folder.add("a.csv", "2,,y,\n")
    folder.put("b.csv", HEADING + "3,,z,\n")
    assert [one.envelope.notbefore for one in folder.all()] == [None, None]
