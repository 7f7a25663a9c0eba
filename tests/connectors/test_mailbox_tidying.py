"""What becomes of a mail on the server once it is safe: nothing, a flag, a folder; and never a lost or third copy."""

import imaplib
from collections.abc import Iterator

import pytest
from imapclient import IMAPClient
from pydantic import ValidationError

from connectors.mailbox.connector import Mailbox
from connectors.mailbox.post_actions import ATTEMPTS, set_of, uids_of
from schemas.errors import UnreachableError
from schemas.records import Cursor
from schemas.records.raw import SIZE_LIMIT
from tests.connectors.mailboxes import START, drain, mail, mailbox, places, settings
from tests.fakes.imap import FakeServer
from tests.peers import dovecot
from tests.peers.presence import require
from tests.rows import each_row


@pytest.fixture
def dove() -> Iterator[dovecot.Dovecot]:
    require(dovecot.missing())
    with dovecot.Dovecot() as server:
        for text in "abc":
            server.deliver(mail(text))
        yield server


def texts(server: dovecot.Dovecot, folder: str) -> dict[str, tuple[bytes, ...]]:
    """Return the subjects in a folder with their flags."""
    with IMAPClient("127.0.0.1", server.port, ssl=False) as other:
        other.login("hotline", "secret")
        if not other.folder_exists(folder):
            return {}
        other.select_folder(folder, readonly=True)
        found = other.fetch(other.search(), ["ENVELOPE", "FLAGS"])
    return {data[b"ENVELOPE"].subject.decode(): data[b"FLAGS"] for data in found.values()}


def opened(server: dovecot.Dovecot, **changes: object) -> Mailbox:
    box = Mailbox(settings(port=server.port, max_batch_messages=2, **changes), "mayor")
    box.open()
    return box


@pytest.mark.integration
def test_moved_mail_lies_in_the_folder_and_only_when_its_cursor_is_saved(dove: dovecot.Dovecot) -> None:
    box = opened(dove, processed="move")
    first = box.fetch(START)
    assert set(texts(dove, "INBOX")) == {"a", "b", "c"}  # not yet: nobody said that it is safe
    box.fetch(first.cursor)
    assert set(texts(dove, "INBOX")) == {"c"}
    assert set(texts(dove, "已处理")) == {"a", "b"}
    messages, letters, cursor = drain(box, first.cursor)
    assert [message.value.split(b"Subject: ")[1][:1] for message in messages] == [b"c"]
    assert not letters
    assert texts(dove, "INBOX") == {}
    box.close()
    # A crash after the cursor was saved: what it names is moved at the next start; what is moved already is no matter.
    dove.deliver(mail("d"))
    again = opened(dove, processed="move")
    again.fetch(again.fetch(cursor).cursor)
    assert set(texts(dove, "已处理")) == {"a", "b", "c", "d"}
    again.close()


@pytest.mark.integration
def test_a_flag_is_set_and_nothing_is_marked_as_read(dove: dovecot.Dovecot) -> None:
    box = opened(dove, processed="flag")
    drain(box)
    flags = {text: set(flags) - {b"\\Recent"} for text, flags in texts(dove, "INBOX").items()}
    assert flags == {"a": {b"$Ingested"}, "b": {b"$Ingested"}, "c": {b"$Ingested"}}
    dove.deliver(mail("d"))
    assert [message.value.split(b"Subject: ")[1][:1] for message in drain(box, drain(box)[2])[0]] == []
    box.close()


@pytest.mark.integration
def test_a_mail_that_somebody_moves_while_it_is_read_is_skipped_and_the_others_come(
    dove: dovecot.Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = opened(dove, processed="move")
    assert box._session is not None
    about = box._session.about

    def moving(uids: list[int]) -> object:
        dove.doveadm("mailbox", "create", "-u", "hotline", "Elsewhere")
        dove.doveadm("move", "-u", "hotline", "Elsewhere", "mailbox", "INBOX", "uid", "2")
        box._session.about = about  # type: ignore[union-attr] # it is connected
        return about(uids)

    monkeypatch.setattr(box._session, "about", moving)
    messages, letters, _ = drain(box)
    assert [message.value.split(b"Subject: ")[1][:1] for message in messages] == [b"a", b"c"]
    assert not letters
    assert set(texts(dove, "已处理")) == {"a", "c"}
    box.close()


@pytest.fixture
def server() -> FakeServer:
    server = FakeServer()
    for text in "abc":
        server.put(mail(text))
    return server


def test_by_default_the_server_is_not_touched(server: FakeServer) -> None:
    _, _, cursor = drain(mailbox(server))
    assert places(cursor) == {"INBOX": {"uidvalidity": 7, "uid": 3}}
    assert not [name for name, _ in server.calls if name in ("move", "copy", "add_flags", "create_folder")]


def test_without_move_a_mail_is_copied_once_and_deleted_by_its_own_uid(server: FakeServer) -> None:
    server.capabilities.add("UIDPLUS")
    box = mailbox(server, processed="move")
    server.fails("delete_messages", imaplib.IMAP4.error("NO [NOPERM] not here"))
    cursor = box.fetch(START).cursor
    for _ in range(3):
        batch = box.fetch(cursor)
        assert "processed" in batch.complaints[0]
    assert server.called("copy") == [((1, 2, 3), "已处理")]
    server.faults.clear()
    assert box.fetch(cursor).complaints == ()
    assert server.called("copy") == [((1, 2, 3), "已处理")]
    assert server.called("uid_expunge") == [((1, 2, 3),)]
    assert not server.inbox.mails


def test_without_move_and_uidplus_nothing_is_deleted(server: FakeServer) -> None:
    box = mailbox(server, processed="move")
    batch = box.fetch(box.fetch(START).cursor)
    assert batch.complaints
    assert set(server.inbox.mails) == {1, 2, 3}
    assert not server.called("uid_expunge")


@pytest.mark.parametrize("said", ["NO [OVERQUOTA] quota exceeded", "NO [NOPERM] denied", "NO [UNAVAILABLE] later"])
def test_a_server_that_refuses_is_complained_of_and_mail_goes_on(server: FakeServer, said: str) -> None:
    server.capabilities.add("MOVE")
    server.fails("move", imaplib.IMAP4.error(said))
    box = mailbox(server, processed="move", max_batch_messages=1)
    messages, _, cursor = drain(box)
    assert len(messages) == 3
    assert box.fetch(cursor).complaints
    server.faults.clear()
    assert box.fetch(cursor).complaints == ()
    assert not server.inbox.mails  # also what the batches before had left


def test_a_server_that_hangs_up_over_it_holds_no_mail_up(server: FakeServer) -> None:
    server.capabilities.add("MOVE")
    server.fails("move", imaplib.IMAP4.abort("socket error: EOF"))
    box = mailbox(server, processed="move", max_batch_messages=1)
    messages, _, cursor = drain(box, patience=ATTEMPTS + 1)
    assert len(messages) == 3
    assert "processed" in box.fetch(cursor).complaints[0]
    with pytest.raises(UnreachableError):
        mailbox(server, processed="move").fetch(cursor)


def test_a_server_that_keeps_no_flags_of_ours_is_complained_of(server: FakeServer) -> None:
    server.permanent_flags = (b"\\Seen", b"\\Deleted")
    box = mailbox(server, processed="flag")
    batch = box.fetch(box.fetch(START).cursor)
    assert "cannot be flagged" in batch.complaints[0]
    assert not server.called("add_flags")


def test_a_dead_letter_stays_or_goes_where_it_is_told(server: FakeServer) -> None:
    server.capabilities.add("MOVE")
    huge = server.put(mail("huge", SIZE_LIMIT + 1))
    box = mailbox(server, processed="move", failed_folder="失败")
    drain(box)
    assert [mail[:30] for mail in server.folders["失败"].mails.values()] == [mail("huge")[:30]]
    assert len(server.folders["已处理"].mails) == 3
    assert huge not in server.inbox.mails


def test_new_uids_are_not_taken_for_old_ones(server: FakeServer) -> None:
    server.capabilities.add("MOVE")
    box = mailbox(server, processed="move", max_batch_messages=2)
    cursor = box.fetch(START).cursor
    assert cursor.position["INBOX"]["to_do"] == {"已处理": "1:2"}
    server.inbox.uidvalidity = 8
    batch = box.fetch(cursor)
    assert not server.called("move")
    assert places(batch.cursor)["INBOX"] == {"uidvalidity": 8, "uid": 2, "to_do": {"已处理": "1:2"}}


@each_row("uids", [[], [1], [1, 2, 3, 5, 9, 10], [4_294_967_295]])
def test_sets_of_uids_are_written_as_imap_writes_them(uids: list[int]) -> None:
    assert uids_of(set_of(uids)) == uids


def test_a_circle_is_refused() -> None:
    with pytest.raises(ValidationError, match="moved into a folder that is read"):
        settings(processed="move", folders=["INBOX", "已处理"])


def test_a_cursor_of_an_earlier_version_has_nothing_to_do(server: FakeServer) -> None:
    box = mailbox(server, processed="flag")
    box.fetch(Cursor(connector_id="mayor", position={"INBOX": {"uidvalidity": 7, "uid": 2}}))
    assert not server.called("add_flags")


@pytest.mark.parametrize("capability", ["MOVE", "UIDPLUS"])
@pytest.mark.parametrize("processed", ["flag", "move"])
def test_a_folder_that_may_only_be_read_is_read_and_complained_of(
    server: FakeServer, processed: str, capability: str
) -> None:
    """imaplib calls it a lost connection when a SELECT is answered with READ-ONLY."""
    server.capabilities.add(capability)
    server.fails("select_folder", imaplib.IMAP4.readonly("INBOX is not writable"), lambda _, readonly: not readonly)
    box = mailbox(server, processed=processed)
    messages, _, cursor = drain(box)
    assert len(messages) == 3
    assert "cannot be" in box.fetch(cursor).complaints[0]
    changing = ("move", "copy", "add_flags", "create_folder", "delete_messages")
    assert not [name for name, _ in server.calls if name in changing]
