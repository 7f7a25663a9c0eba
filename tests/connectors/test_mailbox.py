"""The mailbox connector against a fake server: windows, sizes that lie, mails that cannot be fetched, folders."""

import errno
import hashlib
import imaplib
import io
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from imapclient.exceptions import ProtocolError
from prometheus_client import REGISTRY
from pydantic import ValidationError
from structlog.testing import capture_logs

from connectors.mailbox import session
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.errors import CommandRefusedError, translated
from connectors.mailbox.fetch import PART, Reader
from connectors.mailbox.session import About, Session
from connectors.mailbox.vanished import LEARNT
from schemas.errors import MisconfiguredError, RetriableError, UnreachableError
from schemas.records import Cursor
from schemas.records.raw import SIZE_LIMIT
from tests.connectors.mailboxes import START, drain, mail, mailbox, places, settings
from tests.fakes.imap import RECEIVED, FakeClient, FakeFolder, FakeServer

MIB = 1 << 20


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


def asks_for(uid: int, item: str) -> Callable[..., bool]:
    return lambda uids, items: uid in uids and any(item in each for each in items)


def vanished() -> float:
    return REGISTRY.get_sample_value("hotline_connectors_mails_vanished_total", {"connector": "mayor"}) or 0


def test_a_mail_is_its_bytes_and_what_the_server_said_of_it(server: FakeServer) -> None:
    server.put(mail())
    ((message,), _, cursor) = drain(mailbox(server))
    envelope = message.envelope
    assert message.value == mail()
    assert envelope.id == envelope.sha256 == hashlib.sha256(mail()).hexdigest()
    assert envelope.time == RECEIVED
    assert (envelope.source, envelope.channelkind) == ("/hotline/mailbox/mayor", "mailbox")
    assert envelope.datacontenttype == "message/rfc822"
    assert envelope.sender == "citizen@example.cn"
    assert message.conversation == "mayor\ncitizen@example.cn"
    assert places(cursor) == {"INBOX": {"uidvalidity": 7, "uid": 1}}


@pytest.mark.parametrize(
    ("line", "sender"),
    [
        (b"From: Citizen@Example.CN", "citizen@example.cn"),
        ("From: 李雷 <a@mail.example>".encode(), "a@mail.example"),
        (b"From: =?utf-8?B?5p2O6Zu3?=\r\n <a@mail.example>, b@mail.example", "a@mail.example"),
        (b"From: Li, Lei <a@mail.example>", "a@mail.example"),
        (b"From: a@mail.example\r\nFrom: b@mail.example", "a@mail.example"),
        (b"From: " + b"a@mail.example, " * 25_000, "a@mail.example"),
        (b"From: " + b"(" * 8_000 + b" a@mail.example", None),
        (b"From: nobody", None),
        (b"From:", None),
        (b"X: y", None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_the_sender_is_the_first_address_of_from(server: FakeServer, line: bytes, sender: str | None) -> None:
    server.put(line + b"\r\nSubject: x\r\n\r\ny\r\n")
    ((message,), letters, _) = drain(mailbox(server))
    assert (message.envelope.sender, letters) == (sender, [])


ODD_TIMES = [
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5))),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2038, 1, 19, tzinfo=UTC),
]


@pytest.mark.parametrize("at", ODD_TIMES, ids=lambda at: str(at.year))
def test_a_time_that_no_mail_can_have_is_the_time_of_its_intake(server: FakeServer, at: datetime) -> None:
    server.received[2] = at
    for text in "abc":
        server.put(mail(text))
    messages, letters, _ = drain(mailbox(server))
    assert [message.envelope.time for message in messages] == [RECEIVED, messages[1].envelope.recordedtime, RECEIVED]
    assert all(message.outbound() for message in messages)
    assert not letters


def test_an_account_needs_a_city() -> None:
    with pytest.raises(MisconfiguredError, match="行政区划代码"):
        Mailbox(settings(jurisdiction=None), "mayor")


def test_nothing_is_changed_on_the_server(server: FakeServer) -> None:
    for text in "abc":
        server.put(mail(text))
    drain(mailbox(server))
    assert all(readonly for _, readonly in server.called("select_folder"))
    bodies = [item for _, items in server.called("fetch") for item in items if "BODY" in item]
    assert bodies
    assert all(item.startswith("BODY.PEEK[") for item in bodies)


@pytest.mark.parametrize("mails", [200, 21_000])
def test_searches_stay_within_a_window(server: FakeServer, mails: int) -> None:
    server.inbox.mails = dict.fromkeys(range(50000, 50000 + mails * 3, 3), b"x")
    server.inbox.uidnext = max(server.inbox.mails) + 1
    cursor = Cursor(connector_id="mayor", position={"INBOX": {"uidvalidity": 7, "uid": 49_000}})
    box = mailbox(server, max_batch_messages=5000)
    seen = 0
    while batch := box.fetch(cursor).messages and box.fetch(cursor):
        seen += len(batch.messages)
        cursor = batch.cursor
    assert seen == mails
    windows = [query for (query,) in server.called("search")]
    if mails > 20_000:
        spans = [int(last) - int(first) for first, _, last in (query.partition(":") for query in windows)]
        assert max(spans) < 20_000


def test_a_server_that_does_not_tell_the_next_uid(server: FakeServer) -> None:
    server.tells_uidnext = False
    assert drain(mailbox(server))[0] == []
    server.put(mail())
    assert len(drain(mailbox(server))[0]) == 1


@pytest.mark.parametrize(
    "size_of",
    [len, lambda raw: 1, lambda raw: len(raw) * 2, lambda raw: 0],
    ids=["true", "one", "double", "nothing"],
)
@pytest.mark.parametrize("size", [0, PART - 100, PART, 3 * PART])
def test_sizes_of_the_server_are_not_believed(server: FakeServer, size_of: Callable[[bytes], int], size: int) -> None:
    server.size_of = size_of
    raws = [mail(text, size)[:size] if size else mail(text) for text in "abc"]
    for raw in raws:
        server.put(raw)
    assert [message.value for message in drain(mailbox(server))[0]] == raws


def test_a_server_without_partial_fetch(server: FakeServer) -> None:
    server.fails("fetch", imaplib.IMAP4.error("unreadable"), lambda uids, items: "<" in items[0])
    server.size_of = lambda raw: 1
    raws = [mail("a"), mail("b", 2 * MIB)]
    for raw in raws:
        server.put(raw)
    assert [message.value for message in drain(mailbox(server))[0]] == raws


def test_a_server_that_hands_out_the_first_part_alone_is_asked_for_the_whole(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch = FakeClient.fetch

    def first_part(self: FakeClient, uids: Any, items: list[str]) -> dict[int, dict[bytes, Any]]:
        found = fetch(self, uids, items)
        kept = (b"BODY[]<0>", b"BODY[]") if items == ["BODY.PEEK[]"] else (b"BODY[]<0>",)
        return {
            uid: {name: value for name, value in data.items() if name in kept or b"BODY" not in name}
            for uid, data in found.items()
        }

    monkeypatch.setattr(FakeClient, "fetch", first_part)
    large = mail("large", 3 * MIB)
    server.put(large)
    assert [message.value for message in drain(mailbox(server))[0]] == [large]


def test_many_small_mails_share_a_fetch(server: FakeServer) -> None:
    for number in range(101):
        server.put(mail(str(number)))
    drain(mailbox(server))
    assert len(server.called("fetch")) <= 1 + 1 + 2  # what the server says; the first mail; two groups of fifty


def test_a_batch_closes_by_count_and_by_bytes(server: FakeServer) -> None:
    for number in range(6):
        server.put(mail(str(number), 1000))
    assert len(mailbox(server, max_batch_messages=4).fetch(START).messages) == 4
    assert len(mailbox(server, max_batch_bytes=2500).fetch(START).messages) == 3


def test_a_mail_over_the_limit_becomes_a_dead_letter_with_its_header(server: FakeServer) -> None:
    server.put(mail("huge", SIZE_LIMIT + MIB))
    server.put(mail("next"))
    messages, (letter,), _ = drain(mailbox(server))
    assert letter.code == "too_large"
    assert letter.value == b"From: citizen@example.cn\r\nSubject: huge"
    assert dict(letter.headers)["ce_id"] == b"INBOX:7:1"
    assert "64 MiB" in letter.reason
    assert [message.value for message in messages] == [mail("next")]


REFUSALS = [
    imaplib.IMAP4.error("NO [SERVERBUG] x"),
    imaplib.IMAP4.abort("socket error: EOF"),
    ValueError("the parser"),
    TimeoutError("timed out"),
]


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("item", ["BODY.PEEK[]", "HEADER.FIELDS", ""], ids=["body", "description", "both"])
@pytest.mark.parametrize("position", [1, 3, 20])
def test_a_mail_that_never_comes_holds_up_no_other(
    server: FakeServer, error: Exception, item: str, position: int
) -> None:
    for number in range(1, 21):
        server.put(mail(str(number)))
    server.fails("fetch", error, asks_for(position, item))
    messages, letters, cursor = drain(mailbox(server))
    others = [mail(str(number)) for number in range(1, 21) if number != position]
    assert [message.value for message in messages if message.value != mail(str(position))] == others
    assert cursor.position["INBOX"]["uid"] == 20
    if item == "HEADER.FIELDS":
        assert not letters  # its bytes came all the same
    else:
        assert [letter.code for letter in letters] == ["malformed"]
        assert f"UID {position}" in letters[0].reason


def test_a_server_that_refuses_a_description_and_hangs_up_when_asked_again_holds_up_no_mail(server: FakeServer) -> None:
    for text in "abc":
        server.put(mail(text))
    refused: list[bool] = []

    def fault(uids: Any, items: list[str]) -> None:
        if "RFC822.SIZE" in items and 2 in uids:
            refused.append(not refused or not refused[-1])
            raise imaplib.IMAP4.error("NO") if refused[-1] else imaplib.IMAP4.abort("socket error: EOF")

    server.faults["fetch"] = fault
    messages, letters, _ = drain(mailbox(server))
    assert [message.value for message in messages] == [mail(text) for text in "abc"]
    assert not letters


def test_one_failure_is_not_yet_a_dead_letter(server: FakeServer) -> None:
    left = [TimeoutError(), imaplib.IMAP4.error("NO")]

    def fault(uids: Any, items: list[str]) -> None:
        if "BODY" in items[0] and left:
            raise left.pop()

    server.faults["fetch"] = fault
    server.put(mail())
    messages, letters, _ = drain(mailbox(server))
    assert len(messages) == 1
    assert not letters


def test_a_mail_that_was_deleted_meanwhile_is_skipped_and_counted(server: FakeServer) -> None:
    for text in "abc":
        server.put(mail(text))
    before = vanished()
    server.faults["fetch"] = lambda uids, items: server.inbox.mails.pop(2, None)
    messages, letters, cursor = drain(mailbox(server))
    assert [message.value for message in messages] == [mail("a"), mail("c")]
    assert not letters
    assert vanished() == before + 1
    assert cursor.position["INBOX"]["uid"] == 3


def test_a_mail_that_is_deleted_half_way_is_not_half_a_message(server: FakeServer) -> None:
    server.put(mail("a", 3 * MIB))
    server.faults["fetch"] = lambda uids, items: server.inbox.mails.pop(1, None) if "<2097152" in items[0] else None
    assert drain(mailbox(server))[:2] == ([], [])


def test_a_mail_that_is_there_but_is_not_handed_out_is_not_taken_for_deleted(server: FakeServer) -> None:
    server.put(mail("a"))
    server.put(mail("b"))
    server.hidden = {2}
    messages, letters, _ = drain(mailbox(server))
    assert [message.value for message in messages] == [mail("a")]
    assert [letter.code for letter in letters] == ["malformed"]


def test_the_only_mail_of_a_folder_is_never_given_up(server: FakeServer) -> None:
    server.put(mail("a"))
    server.hidden = {1}
    with pytest.raises(RetriableError, match="UID 1"):
        drain(mailbox(server), patience=50)
    server.hidden = set()
    messages, letters, _ = drain(mailbox(server))
    assert (len(messages), letters) == (1, [])


def test_a_folder_whose_mail_does_not_come_keeps_no_other_waiting(server: FakeServer) -> None:
    server.folders["投诉"] = FakeFolder(uidvalidity=9, uidnext=50)
    server.put(mail("stuck"))
    server.hidden = {1}
    box = mailbox(server, folders=["INBOX", "投诉"])
    with pytest.raises(RetriableError):
        box.fetch(START)
    server.put(mail("other"), "投诉")
    assert [message.value for message in box.fetch(START).messages] == [mail("other")]


def test_a_mail_in_whose_place_nothing_comes_is_no_empty_mail(server: FakeServer) -> None:
    for text in "abcd":
        server.put(mail(text))
    server.size_of = lambda raw: 400
    server.inbox.mails |= {2: b"", 3: b""}
    messages, letters, cursor = drain(mailbox(server))
    assert [message.value for message in messages] == [mail("a"), mail("d")]
    assert [dict(letter.headers)["ce_id"] for letter in letters] == [b"INBOX:7:2", b"INBOX:7:3"]
    assert cursor.position["INBOX"]["uid"] == 4


def test_a_mail_that_is_empty_and_said_to_be_is_a_mail(server: FakeServer) -> None:
    server.put(b"")
    messages, letters, _ = drain(mailbox(server))
    assert ([message.value for message in messages], letters) == ([b""], [])


def test_a_broken_mail_between_broken_mails_holds_up_no_other(server: FakeServer) -> None:
    for number in range(1, 9):
        server.put(mail(str(number)))
    server.fails("fetch", imaplib.IMAP4.abort("socket error: EOF"), lambda uids, items: {3, 4, 5} & {*uids})
    messages, letters, _ = drain(mailbox(server), patience=100)
    assert [message.value for message in messages] == [mail(str(number)) for number in (1, 2, 6, 7, 8)]
    assert len(letters) == 3


def test_a_citizens_words_in_an_error_are_not_the_servers() -> None:
    error = ProtocolError("Tuple incomplete before: 'too many requests, try again later [UNAVAILABLE]'")
    assert type(translated(error, "mayor")) is CommandRefusedError


def test_a_new_uidvalidity_reads_everything_again_with_the_same_ids(server: FakeServer) -> None:
    for text in "abc":
        server.put(mail(text))
    box = mailbox(server)
    first, _, cursor = drain(box)
    server.inbox.uidvalidity = 8
    again, _, moved = drain(box, cursor)
    assert [message.message_id for message in again] == [message.message_id for message in first]
    assert places(moved) == {"INBOX": {"uidvalidity": 8, "uid": 3}}


def test_a_new_uidvalidity_of_an_empty_folder_is_noted_once(server: FakeServer) -> None:
    cursor = Cursor(connector_id="mayor", position={"INBOX": {"uidvalidity": 6, "uid": 99}})
    box = mailbox(server)
    after = box.fetch(cursor).cursor
    assert places(after) == {"INBOX": {"uidvalidity": 7, "uid": 0}}
    assert box.fetch(after).cursor == after


def test_a_folder_that_is_missing_is_a_complaint_and_the_others_go_on(server: FakeServer) -> None:
    server.put(mail())
    box = mailbox(server, folders=["INBOX", "投诉"])
    _, _, cursor = drain(box)
    batch = box.fetch(cursor)
    assert cursor.position["INBOX"]["uid"] == 1
    assert "投诉" in batch.complaints[0]
    server.put(mail("next"))
    assert box.fetch(cursor).complaints == batch.complaints  # also while another folder's mail comes


def test_no_folder_at_all_is_an_error(server: FakeServer) -> None:
    with pytest.raises(UnreachableError, match="folders"):
        mailbox(server, folders=["投诉"]).fetch(START)


def test_a_full_folder_does_not_keep_the_others_waiting(server: FakeServer) -> None:
    server.folders["垃圾邮件"] = FakeFolder(uidvalidity=9)
    for number in range(30):
        server.put(mail(str(number)))
    server.put(mail("filtered"), "垃圾邮件")
    box = mailbox(server, folders=["INBOX", "垃圾邮件"], max_batch_messages=10)
    first = box.fetch(START)
    second = box.fetch(first.cursor)
    assert [message.value for message in second.messages] == [mail("filtered")]
    assert len(drain(box, second.cursor)[0]) == 20


def test_settings_show_no_password_and_refuse_what_cannot_be() -> None:
    assert "secret" not in repr(settings())
    with pytest.raises(ValidationError):
        settings(jurisdiction="Changsha")
    with pytest.raises(ValidationError):
        settings(folder="INBOX")


ODD_HEADERS = {
    "no Message-ID": b"From: a@b.cn\r\nSubject: x\r\n\r\n1",
    "one Message-ID": b"From: a@b.cn\r\nMessage-ID: <same@b.cn>\r\n\r\n2",
    "the same Message-ID": b"From: a@b.cn\r\nMessage-ID: <same@b.cn>\r\n\r\n3",
    "a malformed Message-ID": b"From: a@b.cn\r\nMessage-ID: <<\xff@@>>, <\r\n\r\n4",
    "to somebody else, and us in Bcc": b"From: a@b.cn\r\nTo: other@b.cn\r\nBcc: mayor@city.gov.cn\r\n\r\n5",
    "to a list": b"From: a@b.cn\r\nTo: list@b.cn, x@b.cn\r\nList-Id: <list.b.cn>\r\n\r\n6",
    "a date before mail": b"Date: Thu, 01 Jan 1970 00:00:00 -0000\r\n\r\n7",
    "a date to come": b"Date: Tue, 19 Jan 2038 03:14:08 +0000\r\n\r\n8",
    "a date that is none": b"Date: yesterday\r\n\r\n9",
    "one byte": b"x",
}


def test_whatever_the_headers_say_each_mail_is_one_message_of_when_the_server_got_it(server: FakeServer) -> None:
    for raw in ODD_HEADERS.values():
        server.put(raw)
    messages, letters, _ = drain(mailbox(server))
    assert [message.value for message in messages] == list(ODD_HEADERS.values())
    assert len({message.message_id for message in messages}) == len(ODD_HEADERS)
    assert {message.envelope.time for message in messages} == {RECEIVED}
    assert not letters


def test_one_mail_in_two_of_our_mailboxes_is_two_messages_and_twice_in_one_it_is_one(server: FakeServer) -> None:
    server.put(mail())
    server.put(mail())
    first, second = drain(mailbox(server))[0]
    assert first.message_id == second.message_id
    other = Mailbox(settings(), "letters", server.connect)
    other.open()
    (elsewhere, _), _, _ = drain(other)
    assert elsewhere.envelope.id == first.envelope.id
    assert elsewhere.message_id != first.message_id


def test_a_folder_that_is_missing_is_complained_of_and_the_others_are_read(server: FakeServer) -> None:
    server.put(mail())
    box = mailbox(server, folders=["已删除", "INBOX"])
    batch = box.fetch(START)
    assert len(batch.messages) == 1
    assert "'已删除' cannot be opened" in batch.complaints[0]
    server.folders["已删除"] = FakeFolder()  # somebody made it, or named it as before
    assert box.fetch(batch.cursor).complaints == ()


class FullDisk(io.BytesIO):
    """A file on a disk that has no room."""

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_keeps_no_mail_waiting(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", FullDisk)
    values = [mail("a"), mail("large", 3 << 20), mail("b")]
    for value in values:
        server.put(value)
    messages, letters, _ = drain(mailbox(server))
    assert ([message.value for message in messages], letters) == (values, [])


def test_a_fault_of_ours_over_one_mail_keeps_those_before_it_not_waiting(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in "abcd":
        server.put(mail(text))
    value = Reader._value

    def faulty(self: Reader, uid: int, about: About) -> bytes | None:
        if uid == 3:
            raise LookupError
        return value(self, uid, about)

    monkeypatch.setattr(Reader, "_value", faulty)
    monkeypatch.setattr("connectors.mailbox.fetch.GROUP_MAILS", 1)
    box = mailbox(server)
    batch = box.fetch(START)
    assert [message.value for message in batch.messages] == [mail("a"), mail("b")]
    with pytest.raises(LookupError):
        box.fetch(batch.cursor)


def restored(server: FakeServer, uidnext: int) -> None:
    """Bring the server back to what it was, with its old UIDVALIDITY."""
    server.inbox.mails = {uid: value for uid, value in server.inbox.mails.items() if uid < uidnext}
    server.inbox.uidnext = uidnext


def test_mails_of_a_server_that_was_restored_from_a_backup_are_read_though_their_uids_are_old(
    server: FakeServer,
) -> None:
    for text in "abcdef":
        server.put(mail(text))
    box, now = mailbox(server, processed="flag"), [0.0]
    box._epochs._clock = lambda: now[0]
    _, _, cursor = drain(box)
    restored(server, 4)
    assert drain(box, cursor) == ([], [], cursor)
    server.put(mail("g"))
    now[0] = 60.0
    messages, _, cursor = drain(box, cursor)
    assert [message.value for message in messages] == [mail(text) for text in "abcg"]
    server.put(mail("h"))
    assert [message.value for message in drain(box, cursor)[0]] == [mail("h")]


def test_no_mail_is_tidied_away_unread_by_the_uid_of_one_of_before_the_restore(server: FakeServer) -> None:
    server.capabilities.add("MOVE")
    for text in "abcdef":
        server.put(mail(text))
    cursor = mailbox(server, processed="move").fetch(START).cursor  # saved, and nothing is moved yet
    restored(server, 4)
    server.put(mail("g"))
    box, now = mailbox(server, processed="move"), [0.0]
    box._epochs._clock = lambda: now[0]
    assert box.fetch(cursor).messages == ()
    now[0] = 60.0
    assert mail("g") in [message.value for message in drain(box, cursor)[0]]


def test_a_server_that_lags_or_is_wrong_about_its_next_uid_is_not_read_again_and_again(server: FakeServer) -> None:
    for text in "abc":
        server.put(mail(text))
    box, now = mailbox(server), [0.0]
    box._epochs._clock = lambda: now[0]
    _, _, cursor = drain(box)
    server.inbox.uidnext = 2  # for a moment
    assert drain(box, cursor)[0] == []
    now[0], server.inbox.uidnext = 100.0, 4
    assert drain(box, cursor)[0] == []
    server.inbox.uidnext = 2  # for ever
    assert drain(box, cursor)[0] == []
    now[0] = 200.0
    assert len(box.fetch(cursor).messages) == 3  # and the cursor is what it was
    now[0] = 300.0
    assert drain(box, cursor)[0] == []


def refilled(server: FakeServer) -> None:
    """Restore the server, and let more mails come at once than were lost."""
    restored(server, 4)
    for text in "ghijk":
        uid = server.put(mail(text))
        server.received[uid] = RECEIVED + timedelta(hours=1)


@pytest.mark.parametrize("seen", [False, True])
def test_no_mail_is_missed_when_uids_of_a_restored_server_have_passed_the_cursor_again(
    server: FakeServer, seen: bool
) -> None:
    for text in "abcdef":
        server.put(mail(text))
    box = mailbox(server)
    _, _, cursor = drain(box)
    if seen:  # for less than a minute
        restored(server, 4)
        assert drain(box, cursor) == ([], [], cursor)
    else:
        box.open()
    refilled(server)
    messages, _, cursor = drain(box, cursor)
    assert [message.value for message in messages] == [mail(text) for text in "abcghijk"]
    box.open()
    assert drain(box, cursor) == ([], [], cursor)


@pytest.mark.parametrize("seen", [False, True])
def test_the_mail_read_last_may_be_gone_unless_the_uids_had_gone_back(server: FakeServer, seen: bool) -> None:
    for text in "abcdef":
        server.put(mail(text))
    box = mailbox(server)
    _, _, cursor = drain(box)
    if seen:
        server.inbox.uidnext = 4
        assert drain(box, cursor) == ([], [], cursor)
        server.inbox.uidnext = 7
    del server.inbox.mails[6]
    box.open()
    assert len(drain(box, cursor)[0]) == (5 if seen else 0)


def test_the_first_mail_is_found_soon_where_uids_begin_very_high(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of NetEase do: by windows of one size the first of many mails was looked for for hours."""
    monkeypatch.setattr(session, "WINDOW", 10)
    server.inbox.uidnext = 1_300_000
    for number in range(12):
        server.put(mail(str(number)))
        server.inbox.uidnext += 1_000 * (number == 7)
    messages, _, _ = drain(mailbox(server))
    assert [message.value for message in messages] == [mail(str(number)) for number in range(12)]
    assert len(server.called("search")) < 50


def test_a_server_that_hangs_up_when_asked_for_the_mail_read_last_holds_up_no_other(server: FakeServer) -> None:
    server.put(mail("a"))
    box = mailbox(server)
    _, _, cursor = drain(box)
    server.put(mail("b"))
    server.fails("fetch", imaplib.IMAP4.abort("socket error: EOF"), asks_for(1, "INTERNALDATE"))
    box.open()
    messages, _, cursor = drain(box, cursor)
    assert [message.value for message in messages] == [mail("b")]


def test_nothing_is_tidied_up_by_uids_that_nobody_could_recognise(server: FakeServer) -> None:
    server.put(mail("a"))
    box = mailbox(server, processed="flag")
    cursor = box.fetch(START).cursor
    server.put(mail("b"))
    server.fails("fetch", imaplib.IMAP4.abort("socket error: EOF"), asks_for(1, "INTERNALDATE"))
    box.open()
    messages, _, cursor = drain(box, cursor)
    assert [message.value for message in messages] == [mail("b")]
    assert server.called("add_flags") == []
    box.open()
    drain(box, cursor)
    assert server.called("add_flags") == [((1, 2), ("$Ingested",))]


def test_a_server_that_hangs_up_when_asked_for_deleted_mails_holds_up_no_other(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missed(*_: Any) -> int:
        raise UnreachableError("the connection was closed")

    server.put(mail("a"))
    box = mailbox(server)
    _, _, cursor = drain(box)
    cursor.position["INBOX"]["modseq"] = 7
    server.put(mail("b"))
    monkeypatch.setattr(Session, "missed", missed)
    box.open()
    messages, _, cursor = drain(box, cursor)
    assert [message.value for message in messages] == [mail("b")]


def test_a_server_that_hangs_up_when_one_folder_is_opened_holds_up_no_other_folder(server: FakeServer) -> None:
    server.folders["投诉"] = FakeFolder()
    server.put(mail("a"), "投诉")
    hung_up = imaplib.IMAP4.abort("socket error: EOF")
    server.fails("select_folder", hung_up, lambda folder, readonly: folder == "INBOX")
    box = mailbox(server, folders=["INBOX", "投诉"])
    with pytest.raises(UnreachableError):
        box.fetch(START)
    box.open()
    (message,) = box.fetch(START).messages
    assert message.value == mail("a")


def test_a_connection_that_breaks_over_the_mail_read_last_hides_no_restored_server(server: FakeServer) -> None:
    for text in "abcdef":
        server.put(mail(text))
    box = mailbox(server)
    _, _, cursor = drain(box)
    refilled(server)
    breaks = [True]
    server.fails("fetch", imaplib.IMAP4.abort("socket error: EOF"), lambda uids, items: bool(breaks))
    box.open()
    with pytest.raises(UnreachableError):
        box.fetch(cursor)
    breaks.clear()
    box.open()
    messages, _, _ = drain(box, cursor)
    assert [message.value for message in messages] == [mail(text) for text in "abcghijk"]


def test_a_server_that_tells_this_and_that_of_a_mail_is_not_read_again_and_again(server: FakeServer) -> None:
    server.put(mail())
    box = mailbox(server)
    _, _, cursor = drain(box)
    server.received[1] = RECEIVED + timedelta(hours=1)
    for again in (1, 0, 0):
        box.open()
        assert len(box.fetch(cursor).messages) == again  # and the cursor is what it was


@pytest.mark.parametrize("uids_a_line", [1, 100, 250])
def test_a_server_may_tell_its_uids_in_several_lines(server: FakeServer, uids_a_line: int) -> None:
    """As mox does, a hundred in a line: IMAPClient takes that for no answer at all."""
    server.uids_a_line = uids_a_line
    for number in range(250):
        server.put(mail(str(number)))
    messages, _, cursor = drain(mailbox(server))
    assert len(messages) == 250
    assert places(cursor) == {"INBOX": {"uidvalidity": 7, "uid": 250}}


# Mails that nobody tells of


def after_many(server: FakeServer, **changes: Any) -> tuple[Mailbox, Cursor]:
    """Return a mailbox that saw mails coming, one by one, behind old ones of which somebody deleted every other."""
    for number in range(6):
        server.put(mail(f"old {number}"))
    for uid in (2, 4):
        del server.inbox.mails[uid]
    box = mailbox(server, **changes)
    _, _, cursor = drain(box)
    for number in range(LEARNT):
        server.put(mail(f"new {number}"))
    return box, drain(box, cursor)[2]


def test_a_gap_between_two_mails_is_a_mail_that_nobody_read(server: FakeServer) -> None:
    before = vanished()
    box, cursor = after_many(server, max_batch_messages=3)
    assert vanished() == before, "what clerks cleared up before us"
    for text in "abcd":
        server.put(mail(text))
    del server.inbox.mails[LEARNT + 7], server.inbox.mails[LEARNT + 8]
    with capture_logs() as logs:
        messages, _, cursor = drain(box, cursor)
    assert [message.value for message in messages] == [mail("c"), mail("d")]
    assert vanished() == before + 2
    told = [(one["mails"], one["uids"]) for one in logs if one["event"] == "mails_vanished"]
    assert told == [(2, f"{LEARNT + 7}:{LEARNT + 8}")]
    drain(box, cursor)
    assert vanished() == before + 2


def test_what_went_while_we_were_away_is_counted_once_though_kafka_takes_it_late(server: FakeServer) -> None:
    box, cursor = after_many(server)
    box.close()
    server.put(mail("gone"))
    server.inbox.mails.popitem()
    server.put(mail("there"))
    before, again = vanished(), mailbox(server)
    for _ in range(3):  # Kafka does not take it, and the cursor stays
        assert len(again.fetch(cursor).messages) == 1
    assert vanished() == before + 1


def test_a_server_that_skips_uids_loses_nothing(server: FakeServer) -> None:
    before = vanished()
    box, cursor = after_many(server)
    with capture_logs() as logs:
        for number in range(100):
            server.inbox.uidnext += number % 4 == 0
            server.put(mail(f"{number}"))
            _, _, cursor = drain(box, cursor)
    counted = vanished() - before
    assert counted < 5, "then it is known"
    assert [one["event"] for one in logs if one["event"] == "mail_uids_skipped"] == ["mail_uids_skipped"]
    fresh = FakeServer()
    other = mailbox(fresh)
    cursor = START
    for _ in range(100):
        fresh.put(mail())
        fresh.inbox.uidnext += 7
        _, _, cursor = drain(other, cursor)
    assert vanished() == before + counted, "it never counted one by one"


def test_a_folder_that_is_numbered_anew_leaves_no_gap(server: FakeServer) -> None:
    box, cursor = after_many(server)
    before = vanished()
    server.inbox.uidvalidity += 1
    server.inbox.mails = {500: mail("x"), 900: mail("y")}
    server.inbox.uidnext = 901
    drain(box, cursor)
    assert vanished() == before
