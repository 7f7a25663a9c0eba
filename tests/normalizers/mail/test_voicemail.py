"""Voicemail by mail: every caller has a ticket, whoever they are and however little they said."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from normalizers.base import Draft, Policy
from normalizers.pipeline import normalize
from schemas.codec import Position
from schemas.records import Message, Party, RawMessage
from tickets.policy import TicketPolicy
from tickets.processor import Desk
from tickets.state.state import State

MAIL = (Path(__file__).parents[1] / "cases/mailbox/voicemail_is_the_callers_not_the_pbxs/raw.eml").read_bytes()
SOUND = b"UklGRiQAAABXQVZFAAAA"


def test_the_pbx_is_nobody_and_its_words_are_not_the_callers(draft: Callable[[bytes], Draft]) -> None:
    made = draft(MAIL)
    assert made.sender == Party(kind="name", value="13800138000")
    assert (made.title, made.text) == (None, "")
    assert "just left" in (made.signature or "")
    assert made.message_class == "person"
    assert [file.media_type for file in made.files] == ["audio/x-wav"]


@pytest.mark.parametrize("caller", [b"unknown caller", b"", b"anonymous"])
def test_a_withheld_number_is_nobodys(draft: Callable[[bytes], Draft], caller: bytes) -> None:
    assert draft(MAIL.replace(b"CallerID: 13800138000", b"CallerID: " + caller)).sender is None


def test_without_the_sound_the_words_stay(draft: Callable[[bytes], Draft]) -> None:
    made = draft(MAIL.replace(b"audio/x-wav", b"text/x-log"))
    assert "just left" in made.text


def test_each_caller_has_a_ticket_also_when_nothing_was_said(message: Callable[[bytes, int], Message]) -> None:
    desk = Desk(State(TicketPolicy()))
    mails = [
        MAIL,
        MAIL.replace(b"13800138000", b"13900139000").replace(b"number 1", b"number 2"),
        MAIL.replace(b"13800138000", b"13700137000").replace(SOUND, b"UklGRiQAAABXQVZFBBBB"),
    ]
    for number, mail in enumerate(mails):
        decision = desk.take(message(mail, number), Position("hotline.message.v1", 0, number))
        assert decision is not None
        assert decision.relation == "new"
    assert all(desk.ticket(one).edges == () for one in desk.state.tickets)


@pytest.fixture
def message(raw_mail: Callable[..., RawMessage]) -> Callable[[bytes, int], Message]:
    def make(data: bytes, number: int) -> Message:
        raw = raw_mail(data)
        return normalize(replace(raw, envelope=replace(raw.envelope, id=str(number))), Policy()).message

    return make
