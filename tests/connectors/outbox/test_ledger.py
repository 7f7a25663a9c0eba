"""The ledger: one answer a ticket, whatever the log repeats; and whom we wrote to how often."""

from datetime import timedelta

from connectors.replies.ledger import Ledger
from connectors.replies.policy import SEND, turn
from connectors.replies.settings import AnswerSettings
from schemas.contract.generate import redaction
from schemas.records import Party
from tests.connectors.outbox.answers import NOW, intent, state_of

SETTINGS = AnswerSettings()


def ledger(*accepted: int, recipient: str | None = None, account: str = "mayor") -> Ledger:
    made = Ledger()
    for number in accepted:
        outbox = intent(number, recipient=recipient, account=account)
        made.intend(outbox, number)
        made.note(state_of(outbox, "sending"))
        made.note(state_of(outbox, "accepted", seconds=1))
    return made


def test_an_intent_that_is_repeated_is_the_same_answer() -> None:
    known = Ledger()
    assert known.intend(intent(1), 0) is not None
    assert known.intend(intent(1), 1) is None
    for state in ("accepted", "refused", "unknown", "withheld"):
        settled = Ledger()
        settled.intend(intent(1), 0)
        settled.note(state_of(intent(1), state))
        assert settled.intend(intent(1), 1) is None
        assert settled.open == {}


def test_a_state_whose_intent_the_retention_took_still_settles_it() -> None:
    known = Ledger()
    known.note(state_of(intent(1), "accepted"))
    assert known.intend(intent(1), 9) is None


def test_what_was_begun_and_never_ended_is_interrupted() -> None:
    known = Ledger()
    for number, states in ((1, ["sending"]), (2, ["sending", "waiting"]), (3, ["sending", "accepted"]), (4, [])):
        known.intend(intent(number), number)
        for state in states:
            known.note(state_of(intent(number), state))
    assert [entry.outbox.message_id for entry in known.interrupted()] == ["m1"]
    assert known.done_before(10) == 1


def test_a_recipient_gets_so_many_answers_a_day_in_whatever_form_the_address_comes() -> None:
    known = ledger(1, 2, 3, 4, 5, recipient="Wang@Example.CN")
    entry = known.intend(intent(6, recipient="wang+tag@example.cn", urgent=True), 6)
    assert entry is not None
    assert turn(entry, known, SETTINGS, NOW).withheld == "recipient_limit"
    later = NOW + timedelta(hours=24, seconds=1)
    assert known.sent_to(entry.outbox.recipient, later) == 0
    phones = Ledger()
    for number, phone in enumerate(("+86 13800138000", "8613800138000", "13800138000")):
        one = intent(number).__class__(
            **{name: getattr(intent(number), name) for name in intent().__struct_fields__}
            | {"recipient": Party(kind="phone", value=phone)}
        )
        phones.intend(one, number)
        phones.note(state_of(one, "sending"))
    assert phones.sent_to(Party(kind="phone", value="13800138000"), NOW) == 3


def test_what_surely_did_not_leave_does_not_count_for_the_recipient() -> None:
    known = Ledger()
    entry = known.intend(intent(1), 0)
    known.note(state_of(intent(1), "sending"))
    known.note(state_of(intent(1), "waiting"))
    assert entry is not None
    assert known.sent_to(entry.outbox.recipient, NOW) == 0


def test_an_account_waits_for_its_turn_and_an_emergency_does_not() -> None:
    few = AnswerSettings(per_minute=3)
    known = ledger(1, 2, 3)
    calm, urgent = known.intend(intent(4), 4), known.intend(intent(5, urgent=True), 5)
    other = known.intend(intent(6, account="other"), 6)
    assert calm is not None
    assert urgent is not None
    assert other is not None
    assert turn(calm, known, few, NOW).wait_until == NOW + timedelta(minutes=1)
    assert turn(urgent, known, few, NOW) == SEND
    assert turn(other, known, few, NOW) == SEND
    assert turn(calm, known, few, NOW + timedelta(minutes=1, seconds=1)) == SEND


def test_a_clock_that_was_set_back_keeps_no_account_waiting_for_longer_than_its_minute() -> None:
    known, earlier = ledger(1, 2, 3), NOW - timedelta(hours=1)
    calm = known.intend(intent(4), 4)
    assert calm is not None
    assert turn(calm, known, AnswerSettings(per_minute=3), earlier).wait_until == earlier + timedelta(minutes=1)
    assert turn(calm, known, AnswerSettings(per_minute=3), earlier + timedelta(minutes=1)) == SEND


def test_what_is_too_old_or_whose_account_answers_no_more_is_withheld() -> None:
    known = Ledger()
    entry = known.intend(intent(1), 0)
    assert entry is not None
    assert turn(entry, known, SETTINGS, NOW + timedelta(hours=25)).withheld == "too_old"
    assert turn(entry, known, None, NOW).withheld == "not_configured"
    assert turn(entry, known, AnswerSettings(enabled=False), NOW).withheld == "not_configured"


def test_what_is_written_of_an_answer_is_personal_to_nobody() -> None:
    assert redaction()["outbox_state"] == {}
    assert {"recipient.value", "recipient.name"} <= redaction()["outbox"].keys()


def test_what_is_open_about_an_erased_ticket_is_withheld_whatever_else_holds() -> None:
    known = Ledger()
    entry, other = known.intend(intent(1, urgent=True), 0), known.intend(intent(2), 1)
    known.withdraw(intent(1).ticket_id)
    assert entry is not None
    assert other is not None
    assert turn(entry, known, None, NOW + timedelta(hours=25)).withheld == "erased"
    assert turn(other, known, SETTINGS, NOW) == SEND
    known.note(state_of(intent(1), "withheld"))
    assert [*known.open] == [intent(2).outbox_id]


def test_what_was_being_sent_when_its_ticket_was_erased_may_have_arrived() -> None:
    known = Ledger()
    known.intend(intent(1), 0)
    known.note(state_of(intent(1), "sending"))
    known.withdraw(intent(1).ticket_id)
    assert [entry.outbox.message_id for entry in known.interrupted()] == ["m1"]


def test_what_was_withheld_before_it_left_does_not_count_for_the_recipient() -> None:
    known = Ledger()
    known.intend(intent(1), 0)
    known.note(state_of(intent(1), "sending"))
    known.note(state_of(intent(1), "withheld"))
    assert known.sent_to(intent(1).recipient, NOW) == 0
    assert known.open == {}
