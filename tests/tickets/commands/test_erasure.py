"""What is redacted or forgotten is gone from every later snapshot, from memory and from what is restored."""

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from schemas import topics
from schemas.codec import decode, encode
from schemas.records import Attachment, Audit, Finding, Message, Party, Ticket, event
from tests.checkpoints import known
from tests.rows import each_row
from tests.tickets.build import CITY, digest, message, position
from tests.tickets.commands.orders import POLICY, Office, office, refusal, same
from tests.tickets.test_parts import parts_of
from tickets.commands import changed_by, erases, erasure
from tickets.deciders import new
from tickets.deciders.base import Verdict
from tickets.erasure.blackout import redacted_by
from tickets.masking.mask import mask_ticket
from tickets.processor import Desk
from tickets.reducers import apply, fold
from tickets.state.state import Snapshot, State

SECRET = "李小龙的电话是13812345678"
TEXT = f"中山路12号的路灯坏了，{SECRET}，请回电"


def secretive() -> tuple[Office, str]:
    file = Attachment(id="1", name="李小龙.jpg", sha256="a" * 64)
    made = Office([message(0, TEXT, attachments=(file,)), message(1, "另一件事", sender="13900139000")])
    made.take(message(2, "", message_class="auto_reply", answers=(f"{CITY}-0",)))
    made.desk.flush()
    return made, made.tickets[0]


def span(text: str) -> list[list[int]]:
    return [[text.index(SECRET), text.index(SECRET) + len(SECRET)]]


def held(at_office: Office) -> str:
    """Return all that this memory knows, and a checkpoint would hold."""
    at_office.desk.flush()
    state = at_office.desk.state
    return known(state) + known(State(state.policy, state.dump())) + repr(state.dump())


def test_a_redacted_span_is_black_wherever_it_stands_and_stays_so() -> None:
    at_office, ticket = secretive()
    version = at_office.ticket(ticket).version
    done = at_office.order("redact", ticket, spans=span(TEXT), if_version=version)
    assert refusal(done) is None
    assert "13812345678" not in held(at_office)
    at_office.take(message(5, "还没人来修", answers=(f"{CITY}-0",)))
    at_office.take(message(6, TEXT, channel="wechat"))  # says the same again: it is not written twice
    after = at_office.ticket(ticket)
    assert after.message_count == 3
    assert "还没人来修" in after.text
    assert "中山路12号" in after.search_text
    assert not any(word in encode(after).decode() for word in ("13812345678", "小龙的"))
    assert "13812345678" not in encode(done).decode()


def written(at_office: Office) -> list[Ticket]:
    """Return the snapshots that the chunk writes, each in clear and for those who may read it."""
    records = at_office.desk.flush()
    shown = [
        one for one in records if one.topic.startswith("hotline.ticket.") and "ce_withheld" not in dict(one.headers)
    ]
    return [decode(one.value, Ticket) for one in shown]


def test_every_snapshot_from_then_on_says_when_its_ticket_lost_words_last() -> None:
    """It names the version that is written: of a chunk only the last one is, and Kafka keeps only the newest."""
    at_office, ticket = secretive()
    at_office.order("redact", ticket, spans=span(TEXT), if_version=at_office.ticket(ticket).version)
    at_office.order("set_status", ticket, status="screened")
    told = written(at_office)
    assert {(one.version, one.redacted_version) for one in told} == {(told[0].version, told[0].version)}
    at_office.take(message(5, "还没人来修", answers=(f"{CITY}-0",)))
    later = written(at_office)
    assert {(one.version, one.redacted_version) for one in later} == {(told[0].version + 1, told[0].version)}
    at_office.order("redact", ticket, fields=["summary"])
    again = written(at_office)
    assert {one.redacted_version for one in again} == {told[0].version + 2}


def test_every_snapshot_says_when_the_level_of_its_ticket_was_changed_last_and_the_first_says_nothing() -> None:
    secret = message(3, "我要举报", sender="13700137000", codes=("confidentiality.report",))
    at_office = Office([message(0, TEXT), secret])
    ticket, report = at_office.tickets
    first = written(at_office)
    assert {(one.confidentiality, one.confidentiality_version) for one in first if one.ticket_id == report} == {
        ("restricted", UNSET)
    }
    at_office.order("reclassify", ticket, confidentiality="restricted")
    at_office.order("set_status", ticket, status="screened")
    told = written(at_office)
    assert {(one.version, one.confidentiality_version) for one in told} == {(told[0].version, told[0].version)}
    at_office.take(message(5, "还没人来修", answers=(f"{CITY}-0",)))
    later = written(at_office)
    assert {(one.version, one.confidentiality_version) for one in later} == {(told[0].version + 1, told[0].version)}


def test_what_only_empties_a_message_takes_no_words_of_the_ticket() -> None:
    at_office, ticket = secretive()
    done = at_office.order("redact", ticket, spans=span(TEXT), if_version=at_office.ticket(ticket).version)
    emptied = event.Redacted(ticket_id=ticket, fields=(), messages=())
    assert [*redacted_by(done)] == [ticket]
    assert [*redacted_by(replace(done, changes=(emptied,)))] == []


def test_a_redacted_span_goes_from_the_title_too() -> None:
    titled = replace(message(0, TEXT), title=f"请打{SECRET}")
    at_office = Office([titled])
    at_office.order("redact", at_office.tickets[0], spans=span(TEXT), if_version=1)
    after = at_office.ticket(at_office.tickets[0])
    assert after.title == f"请打{'■' * len(SECRET)}"
    assert "13812345678" not in after.search_text


@each_row(
    ("number", "elsewhere"),
    [
        ("13812345678", "138-1234-5678"),
        ("13812345678", "138 1234 5678"),
        ("13812345678", "１３８１２３４５６７８"),
        ("１３８１２３４５６７８", "13812345678"),
        ("辽A58K62", "辽a·58k62"),
        ("210102199001011237", "210102 19900101 1237"),
    ],
)
def test_a_number_goes_in_whatever_form_it_stands_elsewhere(number: str, elsewhere: str) -> None:
    file = Attachment(id="1", name=f"回电{elsewhere}.jpg", sha256="a" * 64)
    text = f"车或电话是{number}，请回电，另一个是13976410253，我说的是{elsewhere}"
    at_office = Office([replace(message(0, text), title=f"请记{elsewhere}号", attachments=(file,))])
    (ticket,) = at_office.tickets
    at = text.index(number)
    at_office.order("redact", ticket, spans=[[at, at + len(number)]], if_version=1)
    after = at_office.ticket(ticket)
    assert not any(form in encode(after).decode() for form in (number, elsewhere))
    assert "13976410253" in after.text
    assert len(after.text) == len(text)


def test_a_title_that_is_the_beginning_of_the_text_goes_with_it() -> None:
    at_office = Office([replace(message(0, TEXT), title=None)])
    (ticket,) = at_office.tickets
    assert SECRET in at_office.ticket(ticket).title
    at_office.order("redact", ticket, fields=["text"])
    after = at_office.ticket(ticket)
    assert (after.text, after.title, after.search_text) == ("", None, "")


def test_no_half_of_a_span_stays_in_a_title_that_ends_within_it() -> None:
    at_office = Office([replace(message(0, "灯坏了" * 32 + "我家门口的秘密"), title=None)])
    (ticket,) = at_office.tickets
    before = at_office.ticket(ticket)
    assert before.title.endswith("我家门口")
    at_office.order("redact", ticket, spans=[[96, 103]], if_version=1)
    assert at_office.ticket(ticket).title == "灯坏了" * 32 + "■" * 4


def test_a_title_of_its_own_stays_when_the_text_goes() -> None:
    at_office = Office([replace(message(0, TEXT), title="路灯")])
    (ticket,) = at_office.tickets
    at_office.order("redact", ticket, fields=["text"])
    assert at_office.ticket(ticket).title == "路灯"


def test_whole_fields_are_emptied() -> None:
    at_office, ticket = secretive()
    at_office.order("redact", ticket, fields=["text", "title", "requester", "attachments"])
    after = at_office.ticket(ticket)
    assert (after.text, after.title, after.search_text, after.attachments) == ("", None, "", ())
    assert (after.requester.phone, after.requester.identities) == (None, ())


def test_what_was_known_of_a_redacted_requester_is_not_shown_to_analysts_again() -> None:
    named = Party(kind="openid", value="oAbC_12345", name="霁霄溪")
    said = replace(message(1, "路灯坏了，转告霁霄溪一声，号码oAbC_12345"), sender=named)
    made = Office([said])
    made.order("redact", made.tickets[0], fields=["requester"])
    ticket = made.ticket(made.tickets[0])
    for one in (ticket, mask_ticket(ticket)):
        assert not any(secret in encode(one).decode() for secret in ("霁霄溪", "oAbC_12345"))
    assert ticket.text.startswith("路灯坏了，转告■■■一声")
    same(made)


def test_nor_in_the_words_of_another_system_or_the_name_of_a_file() -> None:
    found = (
        Finding(kind="external_ticket_no", value="FZ-霁霄溪-01", source="channel"),
        Finding(kind="category", value="霁霄溪专项", source="channel"),
    )
    file = Attachment(id="1", name="霁霄溪的病历.jpg", sha256="a" * 64)
    said = message(1, "路灯坏了", attachments=(file,))
    made = Office([replace(said, sender=Party(kind="openid", value="oAbC_12345", name="霁霄溪"), findings=found)])
    assert "霁霄溪" not in encode(mask_ticket(made.ticket(made.tickets[0]))).decode()
    made.order("redact", made.tickets[0], fields=["requester"])
    ticket = made.ticket(made.tickets[0])
    for one in (ticket, mask_ticket(ticket)):
        assert "霁霄溪" not in encode(one).decode()
    assert ticket.attachments[0].name == "■■■的病历.jpg"
    same(made)


def test_nor_in_a_category_that_a_clerk_named_after_them() -> None:
    said = replace(message(1, "路灯坏了"), sender=Party(kind="openid", value="oAbC_12345", name="霁霄溪"))
    made = Office([said])
    made.order("reclassify", made.tickets[0], category="霁霄溪专项")
    assert "霁霄溪" in encode(made.ticket(made.tickets[0])).decode()
    assert "霁霄溪" not in encode(mask_ticket(made.ticket(made.tickets[0]))).decode()
    made.order("redact", made.tickets[0], fields=["requester"])
    assert "霁霄溪" not in encode(made.ticket(made.tickets[0])).decode()
    same(made)


def test_a_redacted_span_goes_from_the_names_of_files_and_from_another_systems_words() -> None:
    found = (
        Finding(kind="external_ticket_no", value="FZ-李小龙", source="channel"),
        Finding(kind="category", value="李小龙专项", source="channel"),
    )
    file = Attachment(id="p/李小龙", name="李小龙.jpg", sha256="a" * 64)
    made = Office([replace(message(0, "请找李小龙，路灯坏了", attachments=(file,)), findings=found)])
    made.order("redact", made.tickets[0], spans=[[2, 5]], if_version=1)
    ticket = made.ticket(made.tickets[0])
    assert "李小龙" not in encode(ticket).decode()
    assert (ticket.text, ticket.attachments[0].name) == ("请找■■■，路灯坏了", "■■■.jpg")
    same(made)


def test_a_redacted_ticket_is_not_written_anew_from_its_messages() -> None:
    at_office, ticket = secretive()
    reply = message(5, "还没人来修", answers=(f"{CITY}-0",))
    at_office.take(reply)
    at_office.order("redact", ticket, fields=["text"])
    assert refusal(at_office.order("move", ticket, message_id=reply.message_id)) == "redacted"
    assert fold(at_office.decisions, POLICY).tickets[ticket].redacted


def test_a_late_part_does_not_bring_a_redacted_text_back() -> None:
    first, second, last = parts_of(TEXT, 24)
    at_office = Office([first])
    at_office.take(second)
    ticket = at_office.tickets[0]
    at_office.order("redact", ticket, fields=["text", "title"])
    at_office.take(last)
    assert at_office.ticket(ticket).text == ""
    assert TEXT[:8] not in held(at_office)


@each_row(
    "args",
    [
        {},
        {"fields": ["version"]},
        {"spans": [[0, 3]]},
        {"spans": [[3, 3]], "if_version": 1},
        {"fields": ["text"], "message_ids": "all"},
    ],
)
def test_redactions_that_say_nothing_or_too_much_are_refused(args: dict[str, object]) -> None:
    at_office, ticket = secretive()
    assert refusal(at_office.order("redact", ticket, **args)) == "arguments"


def test_the_archive_is_told_which_messages_to_empty() -> None:
    at_office, ticket = secretive()
    own, _, machine = (one.event_id for one in at_office.decisions)
    redacted = at_office.order("redact", ticket, fields=["text"], message_ids=[own])
    assert [(one.message_id, one.month) for one in redacted.changes[0].messages] == [(own, "2026-11")]
    assert refusal(at_office.order("redact", ticket, fields=["text"], message_ids=["a" * 26])) == "not_filed"
    erased = at_office.order("forget", ticket)
    assert [one.message_id for one in erased.changes[0].messages] == [own, machine]


def test_a_forgotten_ticket_is_empty_for_good() -> None:
    at_office, ticket = secretive()
    other = at_office.tickets[1]
    at_office.order("merge", ticket, into=other)
    version = at_office.ticket(ticket).version
    done = at_office.order("forget", ticket, reason="李小龙要求删除")
    after = at_office.ticket(ticket)
    assert (after.erased, after.version, after.text, after.title) == (True, version + 1, "", None)
    assert (after.cluster_id, after.edges[0].ticket_id) == (ticket, other)
    later = at_office.ticket(other).cluster_no
    assert later == after.ticket_no  # the oldest names the cluster, erased or not
    assert after.ticket_no
    known = held(at_office)
    assert not any(secret in known for secret in ("13812345678", "李小龙", digest("13800138000"), digest(TEXT)))
    assert not any(secret in encode(done).decode() for secret in ("13812345678", "李小龙"))
    assert ticket not in at_office.desk.state.threads.dump()[0].values()
    rebuilt = fold(at_office.decisions, POLICY)
    rebuilt.bodies = at_office.desk.state.bodies
    assert rebuilt.dump() == at_office.desk.state.dump() == State(POLICY, rebuilt.dump()).dump()


@pytest.mark.parametrize("answers", [(f"{CITY}-0",), ()])
def test_nothing_is_filed_in_a_forgotten_ticket(answers: tuple[str, ...]) -> None:
    at_office, ticket = secretive()
    at_office.order("forget", ticket)
    again = at_office.take(message(5, TEXT, answers=answers))
    assert again.relation == "new"
    assert again.tickets[0].ticket_id != ticket
    assert not [one for one in again.changes if isinstance(one, event.Proposed)]
    for kind, args in (
        ("set_status", {"status": "reopened"}),
        ("forget", {}),
        ("merge", {"into": at_office.tickets[1]}),
    ):
        assert refusal(at_office.order(kind, ticket, **args)) == "erased"


def test_no_decider_can_name_a_forgotten_ticket(monkeypatch: pytest.MonkeyPatch) -> None:
    at_office, ticket = secretive()
    at_office.order("forget", ticket)
    token = Verdict(relation="follow_up", method="token", ticket_id=ticket)
    monkeypatch.setattr("tickets.decide.DECIDERS", {"follow_up": lambda *_: token, "new": new.judge})
    assert at_office.take(message(5, "还没人来修")).relation == "new"


def test_a_ticket_that_only_the_archive_has_can_be_forgotten() -> None:
    at_office, (old,) = office()
    at_office.order("set_status", old, status="not_accepted", reason_code="malicious")
    at_office.take(message(999, "很久以后", minutes=60 * 24 * 200))
    at_office.desk.flush()
    assert refusal(at_office.order("forget", old)) == "arguments"  # its messages would stay, and nobody be told
    done = at_office.order("forget", old, message_ids=["a" * 26])
    assert [(one.ticket_id, one.version) for one in done.tickets] == [(old, 2**53)]
    snapshots = [decode(one.value, Ticket) for one in at_office.desk.flush() if one.topic.startswith("hotline.ticket.")]
    assert [(one.ticket_id, one.version, one.erased) for one in snapshots] == [(old, 2**53, True)] * 3
    assert old not in at_office.desk.state.tickets
    assert old not in at_office.desk.state.bodies
    assert changed_by(at_office.desk.state, done.changes) == done.tickets


def audited(at_office: Office) -> list[Audit]:
    return [decode(one.value, Audit) for one in at_office.desk.flush() if one.topic == topics.AUDIT]


def test_who_took_what_away_when_and_why_is_told_to_the_audit_log() -> None:
    at_office, ticket = secretive()
    order = {"author": "crm/wang", "command_id": "crm:9", "reason": "pipl-47"}
    done = at_office.order("redact", ticket, fields=("text", "requester"), **order)
    (act,) = audited(at_office)
    assert (act.action, act.author, act.at, act.subject) == ("redacted", "crm/wang", done.at, ticket)
    assert (act.audit_id, act.run_id, act.reason) == (f"crm:9:{ticket}", "crm:9", "pipl-47")
    assert act.details == {"command_id": "crm:9", "messages": 2, "fields": ["text", "requester"], "spans": 0}
    forgotten = at_office.order("forget", ticket)
    (act,) = audited(at_office)
    assert (act.action, act.author, act.at, act.subject) == ("erased", "clerk-7", forgotten.at, ticket)
    assert audited(at_office) == []


def test_other_commands_and_refused_ones_leave_no_act() -> None:
    at_office, ticket = secretive()
    at_office.order("reclassify", ticket, kind="complaint")
    assert refusal(at_office.order("redact", ticket, fields=())) == "arguments"
    at_office.order("forget", ticket)
    assert len(audited(at_office)) == 1
    assert refusal(at_office.order("forget", ticket)) == "erased"
    assert audited(at_office) == []


@each_row("reason", [None, "李小龙要求删除", "他人电话", "13812345678", "024-22334455", "a@example.cn"])
def test_a_reason_that_may_name_somebody_is_kept_out_of_the_audit_log(reason: str | None) -> None:
    at_office, ticket = secretive()
    at_office.order("forget", ticket, reason=reason)
    assert [act.reason for act in audited(at_office)] == [None]


def machine_mail(number: int) -> Message:
    return message(number, "我已休假", sender="a@example.cn", message_class="auto_reply")


def test_a_message_that_no_ticket_has_is_erased_by_its_id() -> None:
    at_office, _ = office()
    mail = machine_mail(20)
    assert at_office.take(mail).relation == "no_ticket"
    at_office.desk.flush()
    done = at_office.order("forget", message_ids=[mail.message_id], month="2026-11", reason="pipl-47")
    (change,) = done.changes
    assert isinstance(change, event.MessagesErased)
    assert [(one.message_id, one.month) for one in change.messages] == [(mail.message_id, "2026-11")]
    assert (done.tickets, erases(done)) == ((), True)
    (act,) = audited(at_office)
    assert (act.action, act.subject, act.reason, act.details["messages"]) == ("erased", mail.message_id, "pipl-47", 1)
    same(at_office)


def test_a_dead_letter_that_was_erased_opens_no_ticket_when_it_is_put_back() -> None:
    at_office, _ = office()
    late = message(30, "另一件事", sender="13900139000")
    at_office.order("forget", message_ids=[late.message_id])
    assert at_office.desk.take(late, position(7)) is None
    rebuilt = fold(at_office.decisions, POLICY)
    assert Desk(rebuilt).take(late, position(8)) is None


def test_a_message_that_is_erased_twice_is_known_once_after_a_checkpoint_as_well() -> None:
    at_office, _ = office()
    at_office.order("forget", message_ids=["a" * 26])
    stored = State(POLICY, decode(encode(at_office.desk.state.dump()), Snapshot))
    apply(stored, at_office.order("forget", message_ids=["a" * 26]))
    assert stored.dump().seen == fold(at_office.decisions, POLICY).dump().seen


def test_nobody_waits_for_the_desk_to_take_the_hand_over_of_a_forgotten_ticket_that_had_left_the_memory() -> None:
    burning = message(1, codes=("emergency.fire", "emergency_level.mentioned"))
    at_office = Office([burning])
    (old,) = at_office.tickets
    at_office.order("set_status", old, status="not_accepted", reason_code="malicious")
    at_office.take(message(999, "很久以后", minutes=60 * 24 * 200))
    at_office.order("forget", old, message_ids=[burning.message_id])
    assert at_office.desk.state.handovers.waiting == {}


def test_a_span_over_the_end_of_a_line_takes_what_stands_in_each_of_its_lines_wherever_it_stands() -> None:
    text = "我是小区的门卫\n\n请转告我是小区的门卫，谢谢。路灯不亮"
    made = Office([replace(message(1, text), title="我是小区的门卫，请转告")])
    made.order("redact", made.tickets[0], spans=[[3, 9]], if_version=1)
    ticket = made.ticket(made.tickets[0])
    assert "小区的门卫" not in f"{ticket.title}{ticket.text}"
    assert "请转告我是" in ticket.text


def test_what_goes_with_a_ticket_that_had_left_the_memory_is_not_filed_when_it_comes() -> None:
    at_office, (old,) = office()
    at_office.order("set_status", old, status="not_accepted", reason_code="malicious")
    at_office.take(message(999, "很久以后", minutes=60 * 24 * 200))
    late = message(1000, "另一件事", sender="13900139000", minutes=60 * 24 * 201)
    at_office.order("forget", old, message_ids=[late.message_id])
    assert at_office.desk.take(late, position(9)) is None
    same(at_office)


def test_another_city_keeps_no_message_out() -> None:
    at_office, _ = office()
    late = message(30, "另一件事", sender="13900139000")
    assert refusal(at_office.order("forget", message_ids=[late.message_id], city="210200")) is None
    assert at_office.take(late).relation == "new"


def test_a_message_that_a_ticket_has_does_not_go_with_one_that_only_the_archive_has() -> None:
    at_office, (old,) = office()
    at_office.order("set_status", old, status="not_accepted", reason_code="malicious")
    live = at_office.take(message(999, "很久以后", minutes=60 * 24 * 200))
    assert refusal(at_office.order("forget", old, message_ids=[live.event_id])) == "filed"


def test_a_message_that_a_ticket_has_goes_with_its_ticket() -> None:
    at_office, ticket = secretive()
    own, machine = (
        next(iter(names)) for names in (
            at_office.desk.state.tickets[ticket].messages, at_office.desk.state.tickets[ticket].noted,
        )
    )  # fmt: skip
    for name in (own, machine):
        assert refusal(at_office.order("forget", message_ids=[name])) == "filed"
    at_office.desk.state.tickets.tidy(0)
    assert refusal(at_office.order("forget", message_ids=[own])) == "filed"
    at_office.order("forget", ticket)
    assert refusal(at_office.order("forget", message_ids=[own])) is None, "it may have come once more"


@each_row(
    "given",
    [
        {"message_ids": ["李小龙"]},
        {"message_ids": ["A" * 26]},
        {"message_ids": [f"{'a' * 25}{letter}" for letter in "abcdefghijk"]},
        {"message_ids": ["a" * 26], "month": "11"},
        {"month": "2026-11"},
        {},
    ],
)
def test_only_ids_of_messages_are_taken(given: dict[str, Any]) -> None:
    at_office, _ = office()
    assert refusal(at_office.order("forget", **given)) == "arguments"


def test_more_messages_than_one_event_names_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    at_office, ticket = secretive()
    monkeypatch.setattr(erasure, "MOST_ERASED", 1)
    assert refusal(at_office.order("forget", ticket)) == "too_many"
