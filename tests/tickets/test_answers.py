"""Which citizen gets a receipt: one a ticket, and none where it could harm, expose somebody or never end."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.replies.ledger import ASSIGN
from normalizers.base import UNANSWERABLE
from schemas import topics
from schemas.codec import decode
from schemas.records import Command, Emergency, Message, Outbox, OutboxState, Party, RawRef, Thread
from tests.rows import each_row
from tests.tickets.build import CITY, START, message, position
from tests.tickets.pieces import parts_of
from tests.tickets.said import said, take, ticket_of
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.receipts.policy import AnswerPolicy
from tickets.state.state import State

OURS = "12345@city.example"
POLICY = TicketPolicy(answers=AnswerPolicy(accounts=frozenset({"mayor", "12345"}), own_addresses=frozenset({OURS})))
WANG = Party(kind="email", value="wang@mail.example.cn", name="王小明")


def mail(number: int = 1, *, sender: Party | None = WANG, **fields: Any) -> Message:
    made = message(number, sender=sender.value if sender else "nobody", codes=fields.pop("codes", ()))
    return replace(made, sender=sender, **fields)


def answers(*messages: Message, policy: TicketPolicy = POLICY, desk: Desk | None = None) -> list[Outbox]:
    desk = desk or Desk(State(policy))
    start = desk.state.inputs.last_offset(topics.MESSAGE, 0) + 1
    for offset, one in enumerate(messages, start):
        record, earlier = one, [before for before in messages if before is not one and before.part is not None]
        wanted = len(desk.looks_back(record))
        desk.take(record, position(offset), earlier[:wanted])
    return intents(desk)


def intents(desk: Desk) -> list[Outbox]:
    return [decode(record.value, Outbox) for record in desk.flush() if record.topic == topics.OUTBOX]


def test_whoever_opens_a_ticket_gets_one_receipt() -> None:
    thread = Thread(message_id_header="m1@mail.example.cn", references=("m0@mail.example.cn",), reply_to="x@y.cn")
    (found,) = answers(mail(thread=thread))
    assert found.recipient == WANG
    assert found.outbox_id == f"{found.ticket_id}:receipt"
    assert found.ticket_no.startswith(CITY)
    assert (found.account, found.channel, found.urgent) == ("mayor", "mailbox", False)
    assert found.thread == Thread(message_id_header="m1@mail.example.cn", references=("m0@mail.example.cn",))


def test_the_intent_travels_with_its_decision_and_is_the_same_in_a_replay() -> None:
    def written() -> list[Any]:
        desk = Desk(State(POLICY))
        desk.take(mail(), position(0))
        return [record for record in desk.flush() if record.topic == topics.OUTBOX]

    assert written() == written()
    (record,) = written()
    assert (record.jurisdiction, record.key) == (CITY, decode(record.value, Outbox).ticket_id.encode())


def test_a_repeat_a_follow_up_and_the_same_matter_of_the_same_person_get_no_second_one() -> None:
    first = mail(1)
    again = mail(2)
    reply = mail(3, features=replace(first.features, text_key="other", threads=(first.features.message_key or "",)))
    assert len(answers(first, first, again, reply)) == 1


def test_another_person_of_the_same_matter_is_answered_once_as_well() -> None:
    found = answers(mail(1), mail(2, sender=Party(kind="email", value="li@mail.example.cn")))
    assert [one.recipient.value for one in found] == ["wang@mail.example.cn", "li@mail.example.cn"]


def test_only_accounts_that_were_told_to_answer_do() -> None:
    assert answers(mail(account="other")) == []
    assert answers(mail(), policy=TicketPolicy()) == []


@each_row("kind", ["auto_reply", "bounce", "list", "calendar", "event"])
def test_machines_are_not_answered(kind: str) -> None:
    one = mail()
    assert answers(replace(one, message_class=kind, features=replace(one.features, message_class=kind))) == []


def test_a_mail_that_says_so_is_not_answered() -> None:
    assert answers(mail(extra={UNANSWERABLE: "precedence"})) == []


@each_row(
    "address",
    [
        "MAILER-DAEMON@mail.example.cn", "postmaster@mail.example.cn", "no-reply@shop.example", "noreply@shop.example",
        "do-not-reply@shop.example", "service.noreply@shop.example", "bounces+77@list.example",
        "owner-list@list.example", "list-request@list.example", OURS, "12345+tag@city.example",
        "12345@CITY.example", "nobody", "@mail.example",
    ],
)  # fmt: skip
def test_nobody_reads_behind_these_addresses(address: str) -> None:
    assert answers(mail(sender=Party(kind="email", value=address))) == []


@pytest.mark.parametrize("address", ["bouncer@bar.example", "noreen@mail.example", "requests@mail.example"])
def test_persons_with_like_names_are_answered(address: str) -> None:
    assert len(answers(mail(sender=Party(kind="email", value=address)))) == 1


@each_row(
    ("channel", "kind", "party", "answered"),
    [
        ("sms", "sms_cmpp", Party(kind="phone", value="+86 138 0013 8000"), True),
        ("sms", "sms_cmpp", Party(kind="phone", value="13800138000"), True),
        ("sms", "sms_smpp", Party(kind="phone", value="+441632960961"), True),
        ("sms", "sms_cmpp", Party(kind="phone", value="10086"), False),
        ("sms", "sms_cmpp", Party(kind="phone", value="106575558"), False),
        ("sms", "sms_cmpp", Party(kind="phone", value="02412345678"), False),
        ("wechat", "wechat_mp", Party(kind="openid", value="o-lin"), True),
        ("wechat", "wechat_mp", Party(kind="name", value="林"), False),
        ("weibo", "weibo_dm", Party(kind="uid", value="1900000000"), True),
        ("weibo", "weibo_comment", Party(kind="uid", value="1900000000"), False),
        ("weibo", "weibo_mention", Party(kind="uid", value="1900000000"), False),
        ("phone", "call", Party(kind="phone", value="13800138000"), False),
        ("web", "form", Party(kind="email", value="wang@mail.example.cn"), False),
        ("record", "letter", Party(kind="email", value="wang@mail.example.cn"), False),
        ("mailbox", "imap", Party(kind="name", value="王"), False),
        ("mailbox", "imap", None, False),
    ],
)
def test_who_can_be_reached_on_the_channel_they_came_by(
    channel: str, kind: str, party: Party | None, answered: bool
) -> None:
    assert len(answers(mail(sender=party, channel=channel, channel_kind=kind))) == answered


def test_an_answer_comes_from_the_identity_that_was_written_to() -> None:
    party = Party(kind="openid", value="wm1")
    one = mail(sender=party, channel="wechat", channel_kind="wecom_kf", thread=Thread(reply_to="wk1"))
    assert answers(one)[0].written_to == "wk1"


def test_imports_and_what_is_old_are_not_answered() -> None:
    assert answers(mail(raw=RawRef(topic=topics.BACKFILL, partition=0, offset=1, sha256="x"))) == []
    one = mail()
    assert answers(replace(one, ingested_at=one.received_at + timedelta(hours=25))) == []
    assert len(answers(replace(one, ingested_at=one.received_at + timedelta(hours=23)))) == 1


@each_row(
    "codes",
    [
        ("confidentiality.report",),
        ("minor.requester",),
        ("emergency.self_harm", "emergency_level.critical"),
        ("confidentiality.restricted",),
        ("confidentiality.confidential",),
    ],
)
def test_a_receipt_exposes_nobody(codes: Sequence[str]) -> None:
    one = mail()
    assert answers(replace(one, features=replace(one.features, codes=tuple(codes)))) == []


def test_a_complaint_is_confidential_and_still_answered() -> None:
    one = mail()
    assert len(answers(replace(one, features=replace(one.features, codes=("request_kind.complaint",))))) == 1


def test_an_emergency_is_told_as_one() -> None:
    fire = Emergency(classes=("fire",), level="critical")
    (found,) = answers(mail(emergency=fire))
    assert found.urgent
    assert answers(mail(emergency=replace(fire, stale=True))) == []


def test_a_long_sms_gets_its_receipt_when_it_is_whole() -> None:
    parts = [
        replace(one, account="12345") for one in parts_of("市长您好，中山路十二号门口的路灯坏了三天，请派人来修", 20)
    ]
    assert answers(*parts[:-1]) == []
    (found,) = answers(*parts)
    assert found.recipient.value == "13800138000"
    assert len(answers(*parts, parts[1])) == 1


def test_a_thousand_bounces_open_no_ticket_and_are_not_answered() -> None:
    """FreeScout #4250, Zammad #4941."""
    made = [mail(number, sender=Party(kind="email", value="MAILER-DAEMON@mail.example.cn")) for number in range(1000)]
    bounces = [
        replace(one, message_class="bounce", features=replace(one.features, message_class="bounce")) for one in made
    ]
    desk = Desk(State(POLICY))
    assert answers(*bounces, desk=desk) == []
    assert desk.state.tickets == {}


def forgotten(desk: Desk, ticket_id: str) -> list[Any]:
    """Forget a ticket in the same chunk; return what the outbox hears of it all."""
    offset = desk.state.inputs.last_offset(topics.MESSAGE, 0) + 1
    given = Command(
        command_id=f"c{offset}", jurisdiction=CITY, ticket_id=ticket_id, kind="forget", author="clerk-7", at=START
    )
    assert desk.take(given, position(offset)) is not None
    return [record for record in desk.flush() if record.topic == topics.OUTBOX]


def test_an_erasure_withdraws_the_receipt_behind_its_intent() -> None:
    desk = Desk(State(POLICY))
    decision = desk.take(mail(), position(0))
    assert decision is not None
    ticket_id = decision.tickets[0].ticket_id
    intended, withdrawn = forgotten(desk, ticket_id)
    receipt, told = decode(intended.value, Outbox), decode(withdrawn.value, OutboxState)
    assert (told.outbox_id, told.ticket_id, told.account) == (receipt.outbox_id, ticket_id, "mayor")
    assert (told.state, told.code, told.attempts) == ("withheld", "erased", 0)
    assert (withdrawn.key, withdrawn.jurisdiction) == (intended.key, intended.jurisdiction)
    assert dict(withdrawn.headers)["ce_source"].startswith(ASSIGN)
    assert dict(withdrawn.headers)["ce_type"] != dict(intended.headers)["ce_type"]


def test_nothing_is_withdrawn_where_nobody_answers_or_nothing_is_erased() -> None:
    silent = Desk(State(TicketPolicy()))
    decision = silent.take(mail(), position(0))
    assert decision is not None
    assert forgotten(silent, decision.tickets[0].ticket_id) == []
    desk = Desk(State(POLICY))
    desk.state.participants._known.add(f"{CITY}-{'a' * 20}")
    assert forgotten(desk, f"{CITY}-{'a' * 20}") == []  # only the archive has it: its receipt went long ago


def test_who_asks_not_to_be_named_gets_none_though_a_clerk_set_the_level() -> None:
    first = said(1, "", "中山路的路灯不亮，请问何时能修", sender="13900000001")
    desk = Desk(State(POLICY))
    (opened,) = take(desk, [replace(first, channel="sms", account="mayor")])
    ticket = ticket_of(desk, opened)
    order = Command(
        command_id="c1", jurisdiction=CITY, ticket_id=ticket.ticket_id, kind="reclassify", author="clerk-7",
        at=first.ingested_at, args={"confidentiality": "internal"},
    )  # fmt: skip
    desk.take(order, position(1))
    desk.flush()
    desk.take(said(3, "", f"不要公开我的姓名 {ticket.ticket_no}", sender="13900000001"), position(2))
    assert desk.ticket(ticket.ticket_id).anonymous == "withheld_on_request"
    (told,) = [decode(one.value, OutboxState) for one in desk.flush() if one.topic == topics.OUTBOX]
    assert (told.state, told.code) == ("withheld", "confidential")


@pytest.mark.parametrize("text", ["请替我保密，不要让物业知道是我说的", "我要举报物业经理受贿"])
def test_who_asks_not_to_be_named_or_reports_before_the_receipt_is_sent_gets_none(text: str) -> None:
    first = said(1, "", "中山路的路灯不亮，请问何时能修", sender="13900000001")
    desk = Desk(State(POLICY))
    (opened,) = take(desk, [replace(first, channel="sms", account="mayor")])
    number = ticket_of(desk, opened).ticket_no
    later = [said(n, "", f"{words} {number}", sender="13900000001") for n, words in enumerate((text, "谢谢", text), 2)]
    take(desk, later)
    intended, *withdrawn = [record for record in desk.flush() if record.topic == topics.OUTBOX]
    receipt, (told, *more) = decode(intended.value, Outbox), [decode(one.value, OutboxState) for one in withdrawn]
    assert (told.outbox_id, told.state, told.code, more) == (receipt.outbox_id, "withheld", "confidential", [])
    assert dict(withdrawn[0].headers)["ce_source"].startswith(ASSIGN)
