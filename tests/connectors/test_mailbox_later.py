"""Mails of which the server says "not now" while it hands out others: those go on, and none is dropped quietly."""

import imaplib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from prometheus_client import REGISTRY

from connectors.mailbox import retry_queue
from connectors.mailbox.connector import Mailbox
from connectors.mailbox.retry_queue import PATIENCE_TRIES, Pace, Postponed
from schemas.errors import RetriableError
from schemas.records import Cursor, DeadLetter, RawMessage
from tests.connectors.mailboxes import START, drain, mail, places, settings
from tests.fakes.imap import FakeFolder, FakeServer

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = ["NO [UNAVAILABLE] backend down", "NO [LIMIT] bandwidth exceeded", "NO Temporary failure"]


@pytest.fixture
def server() -> FakeServer:
    """Mail b of a, b and c is refused."""
    server = FakeServer()
    for text in "abc":
        server.put(mail(text))
    refuse(server, {2})
    return server


def refuse(server: FakeServer, uids: set[int], said: str = WORDS[0]) -> None:
    server.fails("fetch", imaplib.IMAP4.error(said), lambda asked, items: uids & {*asked} and "BODY" in items[0])


def box(server: FakeServer, at: datetime = NOW, **changes: object) -> Mailbox:
    made = Mailbox(settings(**changes), "mayor", server.connect, now=lambda: at, sleep=lambda seconds: None)
    made.open()
    return made


def restarted(
    server: FakeServer, cursor: Cursor, at: datetime = NOW, **changes: object
) -> tuple[list[RawMessage], list[DeadLetter], Cursor]:
    """Drain as the next process does, which asks for postponed mails at once."""
    written = msgspec.json.decode(msgspec.json.encode(cursor), type=Cursor)
    return drain(box(server, at, **changes), written)


def values(messages: list[RawMessage]) -> list[bytes]:
    return [message.value for message in messages]


def postponed() -> float | None:
    return REGISTRY.get_sample_value("hotline_connectors_mails_postponed", {"connector": "mayor"})


@pytest.mark.parametrize("said", WORDS)
def test_a_mail_that_does_not_come_now_lets_the_others_go_on_and_comes_later(server: FakeServer, said: str) -> None:
    refuse(server, {2}, said)
    one = box(server)
    messages, letters, cursor = drain(one)
    assert (values(messages), letters) == ([mail("a"), mail("c")], [])
    assert cursor.position["INBOX"]["uid"] == 3
    (complaint,) = one.fetch(cursor).complaints
    assert "the first UID 2" in complaint
    assert postponed() == 1
    server.faults.clear()
    messages, letters, cursor = restarted(server, cursor)
    assert (values(messages), letters) == ([mail("b")], [])
    assert places(cursor) == {"INBOX": {"uidvalidity": 7, "uid": 3}}
    assert box(server).fetch(cursor).complaints == ()
    assert postponed() == 0


def test_one_refusal_postpones_nothing(server: FakeServer) -> None:
    refusals = [imaplib.IMAP4.error(WORDS[0])]

    def once(uids: object, items: list[str]) -> None:
        if "BODY" in items[0] and refusals:
            raise refusals.pop()

    server.faults["fetch"] = once
    messages, _, _ = drain(box(server))
    assert values(messages) == [mail("a"), mail("b"), mail("c")]


def test_new_mail_has_every_other_turn_though_the_time_of_all_postponed_has_come(server: FakeServer) -> None:
    late = {2}
    for number in range(9):
        late.add(server.put(mail(f"late {number}")))
        server.put(mail(f"good {number}"))
    refuse(server, late)
    _, _, cursor = drain(box(server), patience=200)
    assert len(cursor.position["INBOX"]["later"]) == 10
    again, got = box(server, max_batch_messages=1), []
    for text in ("new", "newer"):
        server.put(mail(text))
    for _ in range(4):
        batch = again.fetch(cursor)
        cursor, got = batch.cursor, [*got, *values(list(batch.messages))]
    assert got == [mail("new"), mail("newer")]
    server.faults.clear()
    messages, _, cursor = drain(again, cursor)
    assert len(messages) == 10 - 2  # two were asked for just now
    assert len(restarted(server, cursor)[0]) == 2


def test_a_server_that_hands_out_no_mail_postpones_none(server: FakeServer) -> None:
    refuse(server, {1, 2, 3})
    with pytest.raises(RetriableError):
        drain(box(server), patience=50)


def tried_until(server: FakeServer, cursor: Cursor, tries: int, at: datetime) -> tuple[list[DeadLetter], Cursor]:
    letters: list[DeadLetter] = []
    for _ in range(tries):
        _, more, cursor = restarted(server, cursor, at)
        letters += more
    return letters, cursor


def test_after_many_tries_and_days_it_is_a_dead_letter_that_names_it(server: FakeServer) -> None:
    _, _, cursor = drain(box(server))
    letters, cursor = tried_until(server, cursor, PATIENCE_TRIES + 5, NOW + timedelta(hours=71))
    assert not letters
    (letter,), cursor = tried_until(server, cursor, 1, NOW + timedelta(hours=73))
    assert "UID 2 in 54 attempts within 72 hours" in letter.reason
    assert (letter.code, dict(letter.headers)["ce_id"]) == ("malformed", b"INBOX:7:2")
    assert places(cursor) == {"INBOX": {"uidvalidity": 7, "uid": 3}}


def test_days_alone_are_not_enough(server: FakeServer) -> None:
    _, _, cursor = drain(box(server))
    letters, cursor = tried_until(server, cursor, PATIENCE_TRIES - 1, NOW + timedelta(days=30))
    assert not letters
    letters, _ = tried_until(server, cursor, 1, NOW + timedelta(days=30))
    assert len(letters) == 1


def test_tries_do_not_count_while_no_other_mail_comes(server: FakeServer) -> None:
    _, _, cursor = drain(box(server))
    refuse(server, {1, 2, 3})
    assert restarted(server, cursor) == ([], [], cursor)
    server.inbox.mails = {2: mail("b")}
    assert restarted(server, cursor) == ([], [], cursor)


def test_a_postponed_mail_that_somebody_deletes_is_no_longer_waited_for(server: FakeServer) -> None:
    _, _, cursor = drain(box(server))
    del server.inbox.mails[2]
    server.faults.clear()
    messages, letters, cursor = restarted(server, cursor)
    assert (messages, letters, places(cursor)["INBOX"]) == ([], [], {"uidvalidity": 7, "uid": 3})


def test_a_postponed_mail_stays_where_it_is_until_it_came(server: FakeServer) -> None:
    server.capabilities.add("MOVE")
    _, _, cursor = drain(box(server, processed="move"))
    assert list(server.inbox.mails) == [2]
    server.inbox.put(mail("d"))
    server.faults.clear()
    messages, _, cursor = restarted(server, cursor, processed="move")
    assert values(messages) == [mail("b"), mail("d")]
    assert not server.inbox.mails


def test_new_uids_make_an_end_of_what_was_postponed(server: FakeServer) -> None:
    _, _, cursor = drain(box(server))
    server.inbox.uidvalidity = 8
    server.faults.clear()
    messages, _, cursor = restarted(server, cursor)
    assert values(messages) == [mail("a"), mail("b"), mail("c")]
    assert places(cursor) == {"INBOX": {"uidvalidity": 8, "uid": 3}}


def test_a_folder_with_too_many_of_them_waits(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry_queue, "MOST", 2)
    for text in "defgh":
        server.put(mail(text))
    refuse(server, {2, 4, 6})
    one, cursor = box(server), START
    with pytest.raises(RetriableError):
        _, _, cursor = drain(one, cursor, patience=50)
    server.faults.clear()
    messages, _, _ = drain(one)
    assert len(messages) == 8


def test_a_postponed_mail_is_asked_for_soon_at_first_and_every_hour_in_the_end() -> None:
    now = [0.0]
    pace, waiting = Pace(lambda: now[0]), {7: Postponed(0.0)}
    assert pace.due(waiting) == 7
    for tries, seconds in ((0, 60), (1, 120), (9, 3600), (2000, 3600)):
        pace.asked(7, tries)
        now[0] += seconds - 1
        assert pace.due(waiting) is None
        now[0] += 1
        assert pace.due(waiting) == 7
    pace.asked(7, 0)
    pace.settled({})
    assert pace.due(waiting) == 7


def test_a_fault_of_ours_in_one_folder_keeps_no_other_waiting(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.faults.clear()
    server.folders["Reports"] = FakeFolder()
    server.put(mail("d"), "Reports")
    one, read = box(server, folders=("INBOX", "Reports")), Mailbox._from_folder

    def faulty(self: Mailbox, session: object, reader: object, cursor: Cursor, folder: str, view: object) -> object:
        if folder == "INBOX":
            raise LookupError
        return read(self, session, reader, cursor, folder, view)

    monkeypatch.setattr(Mailbox, "_from_folder", faulty)
    with pytest.raises(LookupError):
        one.fetch(START)
    assert values(one.fetch(START).messages) == [mail("d")]
