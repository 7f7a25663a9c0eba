"""The faults of real servers, on a real Dovecot: kicks, frozen workers, new UIDVALIDITY, huge mails, other clients."""

import imaplib
import os
import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from imapclient import IMAPClient
from prometheus_client import REGISTRY

from connectors.mailbox.connector import Mailbox
from schemas.errors import UnauthorizedError, UnreachableError
from schemas.records import Cursor
from schemas.records.raw import SIZE_LIMIT
from tests.connectors.mailboxes import START, drain, mail, settings
from tests.frozen import freeze
from tests.peers import dovecot
from tests.peers.dribble import Dribble
from tests.peers.greenmail import GreenMail
from tests.peers.presence import require

pytestmark = pytest.mark.integration

MIB = 1 << 20


@pytest.fixture
def server() -> Iterator[dovecot.Dovecot]:
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        yield server


@pytest.fixture
def open_box(server: dovecot.Dovecot) -> Iterator[Callable[..., Mailbox]]:
    boxes: list[Mailbox] = []

    def make(**changes: object) -> Mailbox:
        box = Mailbox(settings(**({"port": server.port} | changes)), "mayor")
        boxes.append(box)
        box.open()
        return box

    yield make
    for box in boxes:
        box.close()


Open = Callable[..., Mailbox]


def until_news(box: Mailbox) -> None:
    """Wait for an announcement, not as long as it takes Dovecot to look for news by itself."""
    end = time.monotonic() + 25
    while not box.wait(0.2):
        assert time.monotonic() < end, "nothing was announced"


def exhausted(box: Mailbox, cursor: Cursor = START) -> Cursor:
    _, _, cursor = drain(box, cursor)
    return cursor


def subjects(messages: list) -> list[str]:
    return [message.value.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for message in messages]


def test_idle_announces_at_once(server: dovecot.Dovecot, open_box: Open) -> None:
    box = open_box()
    cursor = exhausted(box)
    assert not box.wait(0.2)
    server.deliver(mail("new"))
    until_news(box)
    assert subjects(drain(box, cursor)[0]) == ["new"]


@pytest.mark.parametrize("encryption", ["tls", "starttls"])
def test_encrypted(server: dovecot.Dovecot, open_box: Open, encryption: str) -> None:
    port = server.tls_port if encryption == "tls" else server.port
    server.deliver(mail("one"))
    box = open_box(tls=encryption, port=port, ssl_cafile=str(server.certificate))
    messages, _, cursor = drain(box)
    assert subjects(messages) == ["one"]
    assert not box.wait(0.2)
    server.deliver(mail("two"))
    until_news(box)
    assert subjects(drain(box, cursor)[0]) == ["two"]


@pytest.mark.parametrize("encryption", ["tls", "starttls"])
def test_a_certificate_of_a_stranger_is_refused(server: dovecot.Dovecot, open_box: Open, encryption: str) -> None:
    port = server.tls_port if encryption == "tls" else server.port
    with pytest.raises(UnreachableError, match="certificate"):
        open_box(tls=encryption, port=port)


def test_a_refused_login_is_told_apart(open_box: Open) -> None:
    with pytest.raises(UnauthorizedError, match="授权码"):
        open_box(password="wrong")


def test_a_kick_in_idle_is_noticed_and_nothing_is_lost(server: dovecot.Dovecot, open_box: Open) -> None:
    box = open_box()
    cursor = exhausted(box)
    assert not box.wait(0.2)
    server.doveadm("kick", "hotline")
    server.deliver(mail("meanwhile"))
    with pytest.raises(UnreachableError):
        until_news(box)
    box.open()
    assert subjects(drain(box, cursor)[0]) == ["meanwhile"]


def test_a_frozen_server_is_noticed_when_idle_is_begun_anew(server: dovecot.Dovecot, open_box: Open) -> None:
    box = open_box(idle_renew_seconds=2, read_timeout_seconds=5)
    cursor = exhausted(box)
    assert not box.wait(0.1)
    for pid in server.workers():
        freeze(pid)
    server.deliver(mail("while frozen"))
    until_news(box)  # it is time to ask
    with pytest.raises(UnreachableError):
        box.fetch(cursor)
    box.open()
    assert subjects(drain(box, cursor)[0]) == ["while frozen"]


def test_an_announcement_in_two_pieces_costs_a_connection_and_no_mail(server: dovecot.Dovecot, open_box: Open) -> None:
    with Dribble(server.port) as proxy:
        box = open_box(port=proxy.port)
        cursor = exhausted(box)
        assert not box.wait(0.2)
        server.deliver(mail("cut"))
        with pytest.raises(UnreachableError):
            until_news(box)
        box.open()
        assert subjects(drain(box, cursor)[0]) == ["cut"]
        box.close()


def test_a_new_uidvalidity_under_a_live_session_repeats_ids_and_loses_nothing(
    server: dovecot.Dovecot, open_box: Open
) -> None:
    for text in "abc":
        server.deliver(mail(text))
    box = open_box()
    first, _, cursor = drain(box)
    server.reset_uidvalidity()
    server.deliver(mail("d"))
    again, letters, moved = drain(box, cursor)
    assert {message.message_id for message in first} < {message.message_id for message in again}
    assert sorted(subjects(again)) == ["a", "b", "c", "d"]
    assert not letters
    assert moved.position["INBOX"]["uidvalidity"] != cursor.position["INBOX"]["uidvalidity"]


def test_no_mail_is_missed_of_a_server_that_was_restored_and_filled_again_while_nobody_was_connected(
    server: dovecot.Dovecot, open_box: Open, tmp_path: Path
) -> None:
    """The backup keeps UIDVALIDITY, and the queue of the mail server brings more than was lost."""
    server.deliver(mail("a"))
    box = open_box()
    _, _, cursor = drain(box)
    backup = tmp_path / "backup"
    subprocess.run(["cp", "-a", server.maildir(), backup], check=True)
    for text in "bc":
        server.deliver(mail(text))
    _, _, cursor = drain(box, cursor)
    box.close()
    shutil.rmtree(server.maildir())
    subprocess.run(["cp", "-a", backup, server.maildir()], check=True)
    lost = time.time()
    while int(time.time()) <= lost:  # no restore is done in the second of the last mail
        time.sleep(0.05)
    for text in "defg":
        server.deliver(mail(text))
    box.open()
    messages, _, after = drain(box, cursor)
    assert after.position["INBOX"]["uidvalidity"] == cursor.position["INBOX"]["uidvalidity"]
    assert sorted(subjects(messages)) == ["a", "d", "e", "f", "g"]


def test_a_mail_that_is_expunged_between_search_and_fetch_is_skipped(server: dovecot.Dovecot, open_box: Open) -> None:
    for text in "abc":
        server.deliver(mail(text))
    box = open_box()
    assert box._session is not None
    about = box._session.about

    def expunging(uids: list[int]) -> object:
        server.doveadm("expunge", "-u", "hotline", "mailbox", "INBOX", "uid", "2")
        return about(uids)

    box._session.about = expunging
    messages, letters, cursor = drain(box)
    assert subjects(messages) == ["a", "c"]
    assert not letters
    assert cursor.position["INBOX"]["uid"] == 3


def test_mails_that_came_and_were_deleted_while_nobody_was_connected_are_counted(
    server: dovecot.Dovecot, open_box: Open
) -> None:
    for text in "ab":
        server.deliver(mail(text))
    box = open_box()
    cursor = exhausted(box)
    assert cursor.position["INBOX"]["modseq"] > 0  # Dovecot counts changes
    box.close()
    before = vanished()
    for text in "cde":
        server.deliver(mail(text))
    server.doveadm("expunge", "-u", "hotline", "mailbox", "INBOX", "uid", "2,3,5")  # 2 had been read
    box.open()
    messages, letters, cursor = drain(box, cursor)
    assert (subjects(messages), letters) == (["d"], [])
    assert vanished() == before + 2
    box.open()
    drain(box, cursor)
    assert vanished() == before + 2
    server.deliver(mail("f"))  # the server says VANISHED now where it said EXPUNGE, also in IDLE
    assert not box.wait(0.01) or subjects(drain(box, cursor)[0]) == ["f"]
    server.doveadm("expunge", "-u", "hotline", "mailbox", "INBOX", "uid", "4")
    messages, _, _ = drain(box, cursor)
    assert subjects(messages) == ["f"]


def vanished() -> float:
    return REGISTRY.get_sample_value("hotline_connectors_mails_vanished_total", {"connector": "mayor"}) or 0


def test_another_client_that_reads_first_hides_nothing_and_we_hide_nothing(
    server: dovecot.Dovecot, open_box: Open
) -> None:
    for text in "ab":
        server.deliver(mail(text))
    with IMAPClient("127.0.0.1", server.port, ssl=False) as other:
        other.login("hotline", "secret")
        other.select_folder("INBOX")
        other.add_flags([1], ["\\Seen"])
        assert subjects(drain(open_box())[0]) == ["a", "b"]
        flags = other.fetch([1, 2], ["FLAGS"])
    assert b"\\Seen" in flags[1][b"FLAGS"]
    assert b"\\Seen" not in flags[2][b"FLAGS"]


def test_an_outage_of_days_is_made_up_for_oldest_first(server: dovecot.Dovecot, open_box: Open) -> None:
    folder = server.maildir() / "new"
    server.deliver(mail("first"))
    owner = folder.stat()
    for number in range(1200):
        path = folder / f"{1_700_000_000 + number}.M{number}P1.test"
        path.write_bytes(mail(f"m{number}").replace(b"\r\n", b"\n"))
        os.chown(path, owner.st_uid, owner.st_gid)
    messages, letters, _ = drain(open_box())
    assert subjects(messages) == ["first", *(f"m{number}" for number in range(1200))]
    assert not letters


@pytest.mark.parametrize("size", [30 * MIB, SIZE_LIMIT + 3 * MIB])
def test_memory_is_bounded_by_one_mail(server: dovecot.Dovecot, open_box: Open, size: int) -> None:
    large = mail("large", size)
    server.deliver(large)
    server.deliver(mail("next"))
    box = open_box()
    tracemalloc.start()
    messages, letters, _ = drain(box)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert subjects(messages[-1:]) == ["next"]
    if size < SIZE_LIMIT:
        assert messages[0].value.endswith(large[-1000:])
        assert len(messages[0].value) >= size
        assert peak < size + 12 * MIB
    else:
        assert [letter.code for letter in letters] == ["too_large"]
        assert b"Subject: large" in letters[0].value
        assert peak < 12 * MIB


def test_a_search_over_a_very_large_mailbox_stays_in_windows(server: dovecot.Dovecot, open_box: Open) -> None:
    server.deliver(mail("first"))
    folder = server.maildir() / "cur"
    owner = folder.stat()
    for number in range(20_500):
        path = folder / f"{1_700_000_000 + number}.M{number}P1.test:2,S"
        path.touch()
        os.chown(path, owner.st_uid, owner.st_gid)
    server.reset_uidvalidity()
    box = open_box(read_timeout_seconds=30)
    assert box._session is not None
    view = box._session.examine("INBOX")
    assert view.exists == 20_501
    assert box._session.uids_after(0, view) == list(range(1, 20_001))
    assert box._session.uids_after(20_000, view) == list(range(20_001, 20_502))
    assert box._session.uids_after(20_501, view) == []


def test_a_mail_from_25000_people_holds_up_no_other(server: dovecot.Dovecot, open_box: Open) -> None:
    many = b",\r\n ".join([b",".join([b"a@b"] * 200)] * 125)
    server.deliver(mail("before"))
    server.deliver(b"From: " + many + b"\r\nSubject: many\r\n\r\nx\r\n")
    server.deliver(mail("after"))
    messages, letters, _ = drain(open_box())
    assert (subjects(messages), letters) == (["before", "many", "after"], [])


def test_so_many_deleted_mails_that_no_line_of_imaplib_names_them_hold_up_no_mail(
    server: dovecot.Dovecot, open_box: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(300):
        server.deliver(mail(f"m{number}"))
    box = open_box()
    cursor = exhausted(box)
    box.close()
    odd = ",".join(str(uid) for uid in range(1, 300, 2))
    server.doveadm("expunge", "-u", "hotline", "mailbox", "INBOX", "uid", odd)
    server.deliver(mail("after"))
    monkeypatch.setattr(imaplib, "_MAXLINE", 500)  # the line would have to name 150,000 mails else
    box.open()
    messages, letters, _ = drain(box, cursor)
    assert (subjects(messages), letters) == (["after"], [])


def test_a_server_that_lies_about_sizes_and_has_no_partial_fetch_hands_out_large_mails_whole() -> None:
    large = mail("large") + b"\r\n".join([b"0123456789abcdef" * 4] * 50_000) + b"\r\n"
    with GreenMail() as peer:
        peer.deliver(mail("small"))
        peer.deliver(large)
        box = Mailbox(settings(port=peer.port, read_timeout_seconds=20), "mayor")
        box.open()
        messages, letters, _ = drain(box)
        box.close()
    assert subjects(messages) == ["small", "large"]
    assert messages[1].value.endswith(large[-1000:].rstrip())
    assert not letters
