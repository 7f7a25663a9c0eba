"""Mails of files: one a file, mbox, Maildir; named as the mailbox connector names them."""

import errno
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hotline.importer import mails
from hotline.importer.sources import find
from schemas import ids
from tests.hotline.imports.reading import imported, items, refused

LAMP = (
    b"From: =?utf-8?b?546L?= <Wang@mail.example>\r\nDate: Tue, 2 Jan 2024 09:00:00 +0800\r\n"
    b"Subject: lamp\r\n\r\nDark.\r\n"
)
ROAD = b"Received: from a by b; Tue, 2 Jan 2024 11:00:00 +0800\r\n" + LAMP.replace(b"lamp", b"road")


def postmarked(mail: bytes, time: str = "Tue Jan  2 03:04:05 2024") -> bytes:
    return b"From wang@mail.example " + time.encode() + b"\n" + mail.replace(b"\r\n", b"\n") + b"\n"


def digest(mail: bytes) -> str:
    return hashlib.sha256(mail).hexdigest()


def test_a_mail_is_named_as_the_mailbox_connector_names_it(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(LAMP)
    (tmp_path / "2.eml").write_bytes(ROAD.replace(b"\r\n", b"\n"))  # as a Maildir holds what IMAP gives with CR LF
    memory, _ = imported(tmp_path)
    assert [raw.envelope.id for raw in memory.messages] == [digest(LAMP), digest(ROAD)]
    assert memory.messages[0].message_id == ids.message_id("/hotline/mailbox/old_system", digest(LAMP))
    assert memory.messages[1].value == ROAD.replace(b"\r\n", b"\n"), "the bytes stay as they lie in the file"
    assert {raw.envelope.sender for raw in memory.messages} == {"wang@mail.example"}
    assert all(raw.backfill and raw.channel == "mailbox" for raw in memory.messages)


def test_the_same_mail_in_three_kinds_of_files_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(LAMP)
    (tmp_path / "2.mbox").write_bytes(postmarked(LAMP))
    folder = tmp_path / "3"
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(parents=True)
    (folder / "cur" / "1704164645.M1P1.host:2,S").write_bytes(LAMP.replace(b"\r\n", b"\n"))
    _, totals = imported(tmp_path)
    assert (totals.published, totals.known, totals.refusals) == (1, 2, 0)


def test_an_mbox_is_cut_at_its_postmarks_alone(tmp_path: Path) -> None:
    quoted = LAMP + b"\r\nFrom now on it is dark.\r\n\r\n>From the window I see nothing since 10:00, 2024.\r\n"
    (tmp_path / "old.mbox").write_bytes(postmarked(quoted) + postmarked(ROAD))
    first, second = items(tmp_path)
    assert (first.line, second.line) == (1, 12)
    assert first.data.endswith(b"\n\nFrom now on it is dark.\n\nFrom the window I see nothing since 10:00, 2024.\n")
    assert second.identifier == digest(ROAD)
    assert first.time == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_an_mbox_is_known_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "Inbox").write_bytes(postmarked(LAMP, "Tue Jan 02 03:04:05 +0000 2024"))
    (one,) = items(tmp_path)
    assert (one.channel, one.identifier) == ("mailbox", digest(LAMP))


def test_a_mail_over_the_limit_is_refused_and_the_next_one_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mails, "SIZE_LIMIT", 500)
    (tmp_path / "a.mbox").write_bytes(postmarked(LAMP + b"x" * 40 + b"\r\n" + b"y" * 600 + b"\r\n") + postmarked(ROAD))
    found = items(tmp_path)
    assert [(item.line, item.code) for item in found] == [(1, "too_large"), (10, None)]


def test_a_maildir_with_its_subfolders(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / ".Sent"):
        for name in ("cur", "new", "tmp"):
            (folder / name).mkdir(parents=True)
    (tmp_path / "cur" / "1704164645.M1P1.host:2,S").write_bytes(LAMP)
    (tmp_path / "new" / "1704164646.M2P1.host").write_bytes(ROAD)
    (tmp_path / "tmp" / "1704164647.M3P1.host").write_bytes(b"half a m")
    (tmp_path / ".Sent" / "cur" / "1.S").write_bytes(LAMP + b"sent")
    (tmp_path / "dovecot-uidlist").write_bytes(b"3 V1")
    found = items(tmp_path)
    assert [item.identifier for item in found] == [digest(LAMP + b"sent"), digest(LAMP), digest(ROAD)]
    assert found[1].time == datetime.fromtimestamp(1704164645, UTC)


def test_when_a_mail_was_sent(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(ROAD)
    (tmp_path / "2.eml").write_bytes(LAMP)
    (tmp_path / "3.eml").write_bytes(b"no header at all")
    os.utime(tmp_path / "3.eml", (1_600_000_000, 1_600_000_000))
    times = [raw.envelope.time for raw in imported(tmp_path)[0].messages]
    assert times == [
        datetime(2024, 1, 2, 3, tzinfo=UTC),  # when the last server took it
        datetime(2024, 1, 2, 1, tzinfo=UTC),  # when the writer says
        datetime.fromtimestamp(1_600_000_000, UTC),  # when the file was written
    ]


def test_a_mail_of_the_future_was_sent_now_at_the_latest(tmp_path: Path) -> None:
    (tmp_path / "1.eml").write_bytes(LAMP.replace(b"2024", b"2924"))
    (raw,) = imported(tmp_path)[0].messages
    assert raw.envelope.time == raw.envelope.recordedtime


def test_a_file_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "1.eml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "1").symlink_to(tmp_path)
    (tmp_path / "2.pdf").write_bytes(b"%PDF")
    (tmp_path / "3.csv.gz").write_bytes(b"\x1f\x8bbroken")
    (tmp_path / "4.eml").write_bytes(LAMP)
    memory, totals = imported(tmp_path)
    assert len(memory.messages) == 1
    assert len(refused(tmp_path)) == totals.refusals == 4


def test_a_pipe_and_a_mail_folder_that_may_not_be_listed_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "a.eml")
    (tmp_path / "b.eml").write_bytes(b"Subject: x\r\n\r\nb\r\n")
    for name in ("cur", "new"):
        (tmp_path / "mail" / name).mkdir(parents=True)
    scan = os.scandir

    def refused(path: Path) -> Any:
        if Path(path).name == "cur":
            raise PermissionError(errno.EACCES, "Permission denied")
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    found = [(source.path.name, source.kind) for source in find([tmp_path])]
    assert found == [("a.eml", "unknown"), ("b.eml", "mail"), ("cur", "unknown")]
