"""What a ticket shows of the messages filed in it."""

import pytest
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.pipeline import normalize
from normalizers.text.fold import fold
from schemas import topics
from schemas.codec import encode
from schemas.envelope import VERSION
from schemas.records import Attachment, Emergency, Finding, Message, Party, Ticket, raw_message
from schemas.records.ticket import Location
from tests.rows import each_row
from tests.tickets.build import CITY, START, message, position
from tickets.masking.mask import mask_ticket
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

BROKER_BYTES = 1024 * 1024
"""What Kafka takes in one record, unless a topic is told otherwise."""

REPLY = (f"{CITY}-1",)


def ticket_of(*messages: Message) -> Ticket:
    """Return the one ticket that holds all of these."""
    desk = Desk(State(TicketPolicy()))
    decisions = [desk.take(one, position(offset)) for offset, one in enumerate(messages)]
    (ticket_id,) = {one.tickets[0].ticket_id for one in decisions if one}
    return desk.ticket(ticket_id)


def test_a_snapshot_names_the_version_of_the_shape_it_is_written_in() -> None:
    desk = Desk(State(TicketPolicy()))
    desk.take(message(1), position(0))
    (ticket_id,) = desk.state.tickets
    desk.flush()
    desk.state.bodies[ticket_id] = encode(replace(desk.ticket(ticket_id), schema_version="0.9.0"))
    desk.take(message(2, answers=REPLY), position(1))
    assert (desk.ticket(ticket_id).version, desk.ticket(ticket_id).schema_version) == (2, VERSION)


def found(kind: str, value: str, source: str = "channel", version: str = "1", score: float = 1.0) -> Finding:
    return Finding(kind=kind, value=value, source=source, version=version, score=score)


def mail(number: int, text: str, files: int, name: str, answers: str = "") -> Message:
    """Return a mail with many small files, as the normalizer understands it."""
    parts = "".join(
        f'--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename="{name}{number}-{one}.txt"\r\n'
        f"\r\n{number}-{one}\r\n"
        for one in range(files)
    )
    value = (
        f'From: "{"王" * 2000}{number}" <{number}{"a" * 900}@b.example>\r\nTo: mayor@city.example\r\nSubject: s\r\n'
        f"Message-ID: <{number}@b>\r\n{answers}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n{parts}--b--\r\n"
    ).encode()
    raw = raw_message(
        channel="mailbox",
        channel_kind="mailbox",
        account="mayor",
        jurisdiction=CITY,
        identifier=str(number),
        value=value,
        content_type="message/rfc822",
        time=START,
        recorded=START,
    )
    made = normalize(raw, Policy()).message
    return replace(made, features=replace(made.features, requesters=("k:same",)))


def test_a_ticket_that_grows_and_grows_stays_far_below_the_broker_s_limit() -> None:
    desk = Desk(State(TicketPolicy()))
    for number in range(1, 5):  # by four the snapshot of a ticket without its limit of text is too large
        answers = "In-Reply-To: <1@b>\r\n" if number > 1 else ""
        text = f"第{number}封" + "\ufdfa" * 21_000  # one character, eighteen when folded
        decision = desk.take(mail(number, text, 900, "照片" * 40, answers), position(number))
        assert decision is not None
        assert decision.relation == ("follow_up" if answers else "new")
        snapshots = [out for out in desk.flush() if out.topic in (topics.TICKET, topics.TICKET_MASKED)]
        assert len(snapshots) == 2
        assert all(len(out.value or b"") < BROKER_BYTES * 2 // 3 for out in snapshots)
    ticket = desk.ticket(decision.tickets[0].ticket_id)
    assert ticket.message_count == 4
    assert ticket.attachments[-1].name is not None
    assert ticket.attachments[0].name is not None
    assert ticket.attachments[-1].name.endswith("4-899.txt")
    assert ticket.attachments[0].name.endswith("1-0.txt")
    assert ticket.requester.identities[-1] != ticket.requester.identities[0]


def test_what_needs_most_room_in_json_fits_as_well() -> None:
    worst = "\x01"  # six bytes in JSON
    files = tuple(Attachment(id=f"{n}{worst * 300}", name=worst * 300, media_type=worst * 300) for n in range(900))
    text = worst * 65_536
    long = replace(message(1, text, attachments=files), search_text=fold(text), sender=Party(kind="uid", value=text))
    desk = Desk(State(TicketPolicy()))
    desk.take(long, position(1))
    assert max(len(out.value or b"") for out in desk.flush()) < BROKER_BYTES - 64 * 1024


def test_the_newest_message_of_a_long_matter_is_seen() -> None:
    ticket = ticket_of(message(1, "字" * 21_000), message(2, "救命，又来了", answers=REPLY))
    assert ticket.text.startswith("字" * 100)
    assert ticket.text.endswith("\n\n救命，又来了")
    assert ticket.search_text.endswith("救命，又来了")
    assert len(ticket.text) > 19_000


def test_a_first_message_is_shown_whole() -> None:
    assert ticket_of(message(1, "a" * 60_000)).text == "a" * 60_000


def test_a_photo_alone_takes_no_word_away() -> None:
    photo = Attachment(id="1", sha256="a" * 64)
    ticket = ticket_of(message(1, "字" * 21_000), message(2, "", answers=REPLY, attachments=(photo,)))
    assert ticket.text == "字" * 21_000
    assert ticket.attachments == (photo,)


def test_a_derived_title_ends_before_a_number_that_would_be_cut() -> None:
    untitled = replace(message(1, "路" * 92 + "13800138000联系我"), title=None)
    assert ticket_of(untitled).title == "路" * 92
    assert mask_ticket(ticket_of(untitled)).title == "路" * 92


def test_a_repeat_s_new_attachment_is_kept_and_its_known_ones_stay_single() -> None:
    first, second = (Attachment(id="1", name=f"{name}.jpg", sha256=name * 64) for name in "ab")
    by_name = Attachment(id="2", name="井盖.jpg")
    ticket = ticket_of(
        message(1, attachments=(first, by_name)), message(2, attachments=(first, second, by_name), channel="wechat")
    )
    assert ticket.attachments == (first, by_name, second)


def test_a_ticket_has_no_spans_that_point_into_another_text() -> None:
    fire = Emergency(classes=("fire",), level="urgent", spans=((3, 5),))
    hurt = Emergency(classes=("medical",), level="critical", spans=((0, 2),))
    first, reply = message(1, "楼上着火了", emergency=fire), message(2, "昏迷一人", emergency=hurt, answers=REPLY)
    for ticket in (ticket_of(first), ticket_of(message(1), replace(reply, emergency=fire)), ticket_of(first, reply)):
        assert ticket.emergency is not None
        assert ticket.emergency.spans == ()
    assert (ticket.emergency.level, ticket.emergency.classes) == ("critical", ("medical", "fire"))


@each_row(
    ("levels", "stale"),
    [
        (("critical", "urgent"), False),
        (("urgent", "urgent"), False),
        (("urgent", "critical"), False),
        (("urgent", "mentioned"), True),
        (("mentioned", "mentioned"), False),
    ],
)
def test_a_danger_of_today_is_no_old_news_for_one_of_days_ago_that_its_ticket_told_of(
    levels: tuple[str, str], stale: bool
) -> None:
    old, new = (
        Emergency(classes=("fire",), level=level, stale=is_old)
        for level, is_old in zip(levels, (True, False), strict=True)
    )
    first, reply = message(1, "楼上着火了", emergency=old), message(2, "又着火了", emergency=new, answers=REPLY)
    emergency = ticket_of(first, reply).emergency
    assert emergency is not None
    assert emergency.stale is stale
    assert ticket_of(first).emergency == old


@each_row(
    ("kind", "group"),
    [
        ("consultation", "consultation"),
        ("help_request", "help_request"),
        ("complaint", "complaint_opinion_suggestion"),
        ("suggestion", "complaint_opinion_suggestion"),
        ("report", "report_of_violation"),
        ("praise", "praise"),
        ("other", None),
        ("unknown", None),
    ],
)
def test_a_kind_comes_with_its_group_and_source(kind: str, group: str | None) -> None:
    ticket = ticket_of(replace(message(1), findings=(found("request_kind", kind),)))
    assert (ticket.request_kind, ticket.request_kind_group) == (kind, group)
    assert (ticket.request_kind_source, ticket.request_kind_confidence) == ("requester", 1.0)


@pytest.mark.parametrize("before", [(), (found("request_kind", "unknown"),)], ids=["none", "unknown"])
def test_a_follow_up_may_bring_the_kind(before: tuple[Finding, ...]) -> None:
    reply = message(2, "我要投诉", answers=REPLY)
    reply = replace(reply, findings=(found("request_kind", "complaint", source="rule", score=0.8),))
    ticket = ticket_of(replace(message(1), findings=before), reply)
    assert (ticket.request_kind, ticket.request_kind_group) == ("complaint", "complaint_opinion_suggestion")
    assert (ticket.request_kind_source, ticket.request_kind_confidence) == ("rule", 0.8)


def test_a_known_kind_stays() -> None:
    asked = replace(message(1), findings=(found("request_kind", "consultation"),))
    reply = replace(message(2, "表扬你们", answers=REPLY), findings=(found("request_kind", "praise"),))
    assert ticket_of(asked, reply).request_kind == "consultation"


def test_versions_of_rules_add_up() -> None:
    first = replace(message(1), findings=(found("emergency", "fire", version="3"), found("place", "路口", version="1")))
    later = replace(message(3, "又一次", answers=REPLY), findings=(found("place", "路口", version="2"),))
    ticket = ticket_of(first, message(2, "没有人来", answers=REPLY), later)
    assert ticket.lineage.rules_versions == {"emergency": "3", "place": "2"}
    assert len(ticket.lineage.message_ids) == 3


def test_a_sender_s_endless_name_is_shortened() -> None:
    named = replace(message(1), sender=Party(kind="name", value="王" * 5000, name="王" * 5000))
    ticket = ticket_of(named)
    assert ticket.requester.name == "王" * 200


def test_a_ticket_says_where_it_happened_and_in_which_district() -> None:
    place = (found("place", "朝阳区建国路88号", "rule"), found("adcode", "110105", "rule"))
    ticket = ticket_of(replace(message(1), findings=place), message(2, "还没修", answers=REPLY))
    assert ticket.location == Location(text="朝阳区建国路88号", adcode="110105")
    assert ticket_of(message(1)).location is None
