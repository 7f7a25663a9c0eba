"""The fault suite finds each fault of an answer that is made on purpose, and none where each citizen got one."""

from collections.abc import Callable
from functools import cache

import pytest
from msgspec.structs import replace

from benchmarks.faults import answers
from benchmarks.faults.answers import ends, in_outbox, most_unknown
from benchmarks.faults.citizens import Text
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import Numbered
from connectors.reply_registry import SENDERS
from schemas.records import Outbox, OutboxState, Party
from tests.faults.test_checker import sent, written
from tests.rows import each_row
from tests.tickets.build import START

everything = cache(written)


class Run:
    """What a run left: the log of the outbox, and what citizens got."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        for record in everything():
            self.ledger.take(record)
        self.got: list[Text] = []
        self.happened = {"kill outbox": 1}
        self.late: set[int] = set()
        self.names = [self._answer(message) for message in sent()]

    def found(self) -> set[str]:
        accounts, early = {one.account for one in sent()}, {text.number for text in self.got} - self.late
        return set(in_outbox(sent(), accounts, self.ledger, self.got, self.happened, early))

    def tell(self, number: int, *states: str) -> None:
        """Write what became of an answer anew."""
        told = self.states(number, *states)
        self.ledger.answered[self.names[number]].clear()
        for state in told:
            self.ledger.went(state)

    def states(self, number: int, *states: str) -> list[OutboxState]:
        intent = self.ledger.intents[self.names[number]][0]
        return [
            OutboxState(
                outbox_id=intent.outbox_id, ticket_id=intent.ticket_id, ticket_no=intent.ticket_no,
                jurisdiction=intent.jurisdiction, channel=intent.channel, account=intent.account, state=state,
                attempts=states[: place + 1].count("sending"), at=START,
            )
            for place, state in enumerate(states)
        ]  # fmt: skip

    def of(self, channel: str) -> list[int]:
        """Return where the answers of one account of the channel are."""
        account = next(one.account for one in sent() if one.channel == channel)
        return [place for place, one in enumerate(sent()) if one.account == account]

    def _answer(self, message: Numbered) -> str:
        (ticket_id,) = self.ledger.tickets_of(message.number)
        ticket = self.ledger.tickets[ticket_id]
        intent = Outbox(
            outbox_id=f"{ticket_id}:receipt", kind="receipt", ticket_id=ticket_id, ticket_no=ticket.ticket_no,
            jurisdiction=ticket.jurisdiction, message_id="m", channel=message.channel, channel_kind="imap",
            account=message.account, recipient=Party(kind="email", value=message.address), received_at=START, at=START,
        )  # fmt: skip
        self.ledger.intents[intent.outbox_id].append(intent)
        self.names = [*getattr(self, "names", []), intent.outbox_id]
        self.tell(-1, "sending", "accepted")
        words = f"<{message.mark}@example.cn>\n{ticket.ticket_no}"
        self.got.append(Text(number=message.number, channel=message.channel, words=words))
        return intent.outbox_id


def unintended(run: Run) -> None:
    run.ledger.intents[run.names[2]].clear()


def intended_twice(run: Run) -> None:
    run.ledger.intents[run.names[2]] *= 2


def to_another(run: Run) -> None:
    intents = run.ledger.intents[run.names[2]]
    intents[0] = replace(intents[0], recipient=Party(kind="email", value=f"{intents[0].recipient.value}.tw"))


def twice(run: Run) -> None:
    run.got.append(run.got[2])


def never(run: Run) -> None:
    del run.got[2]


def torn(run: Run) -> None:
    run.got[2] = replace(run.got[2], is_whole=False)


def unannounced(run: Run) -> None:
    run.ledger.answered[run.names[2]].clear()


def crossed(run: Run) -> None:
    run.got[2] = replace(run.got[2], words=run.got[3].words)


def uncounted(run: Run) -> None:
    told = run.ledger.answered[run.names[2]]
    told[0] = replace(told[0], attempts=2)


def to_a_stranger(run: Run) -> None:
    run.got.append(Text(number=-1, channel="sms", words=""))


def of_no_ticket(run: Run) -> None:
    run.ledger.intents["elsewhere:receipt"] = run.ledger.intents[run.names[2]]


def course(*states: str) -> Callable[[Run], None]:
    return lambda run: run.tell(2, *states)


def test_nothing_is_wrong_where_each_citizen_got_one() -> None:
    assert Run().found() == set()


def test_of_what_arrives_after_the_log_was_read_it_need_not_tell() -> None:
    """A run that is not over in time would be told of as if a text had left before its time."""
    run = Run()
    unannounced(run)
    run.late = {sent()[2].number}
    assert run.found() == {"answer without an end"}


def test_a_receipt_may_answer_another_mail_of_the_same_citizen_and_no_other() -> None:
    run = Run()
    place = run.of("mailbox")[0]
    mails, again = sent(), Numbered(999, 7)
    text = run.got[place]
    run.got[place] = replace(text, words=text.words.replace(mails[place].mark, again.mark))
    accounts, early = {one.account for one in mails}, {one.number for one in run.got}
    for found in ({"answer outside its thread"}, set()):
        assert set(in_outbox(mails, accounts, run.ledger, run.got, run.happened, early)) == found
        again.repeat(mails[place])


@pytest.mark.parametrize("is_there", [False, True])
def test_what_is_unknown_may_have_arrived_or_not(is_there: bool) -> None:
    run = Run()
    run.tell(2, "sending", "waiting", "sending", "unknown")
    if not is_there:
        never(run)
    assert run.found() == set()
    assert ends(run.ledger) == {"accepted": len(run.names) - 1, "unknown": 1, "tried again": 1}


@each_row(
    ("fault", "kind"),
    [
        (unintended, "answer intended 0 times"),
        (intended_twice, "answer intended 2 times"),
        (to_another, "answer to another citizen"),
        (twice, "answered twice"),
        (never, "answer accepted that did not arrive"),
        (torn, "answer accepted that did not arrive"),
        (unannounced, "answered before the log knew of it"),
        (crossed, "answer of another ticket"),
        (uncounted, "attempt of an answer not counted"),
        (to_a_stranger, "answered who is to get no answer"),
        (of_no_ticket, "answer that nobody is to get"),
        (course(), "answer without an end"),
        (course("sending"), "answer without an end"),
        (course("sending", "waiting"), "answer without an end"),
        (course("accepted"), "answer accepted (None) after None"),
        (course("sending", "sending", "accepted"), "answer sending (None) after sending"),
        (course("sending", "accepted", "sending", "accepted"), "answer sending (None) after accepted"),
        (course("sending", "unknown", "accepted"), "answer accepted (None) after unknown"),
        (course("withheld"), "answer withheld (None) after None"),
        (course("sending", "refused"), "answer refused (None)"),
    ],
)
def test_a_fault_is_found(fault: Callable[[Run], None], kind: str) -> None:
    run = Run()
    fault(run)
    assert kind in run.found()


@pytest.mark.parametrize(
    ("channel", "happened", "most"),
    [
        ("mailbox", {}, 0),
        ("mailbox", {"answers not taken": 3, "kill assign": 1, "cut wechat": 1, "elasticsearch 429": 1}, 0),
        ("mailbox", {"cut smtp": 1}, 1),
        ("sms", {"cut smsc": 1}, 1),
        ("wechat", {"cut wechat": 2, "cut smtp": 1}, 2),
        ("wechat", {"cut kafka": 1}, 2),
        ("wechat", {"join and leave outbox": 1}, 2),
        ("wechat", {"terminate kafka": 1}, 2),
    ],
)
@pytest.mark.parametrize("at_once", [1, 2])
def test_more_are_unknown_than_faults_explain(
    monkeypatch: pytest.MonkeyPatch, channel: str, happened: dict[str, int], most: int, at_once: int
) -> None:
    monkeypatch.setattr(answers, "at_once", lambda account: at_once)
    most *= at_once
    run = Run()
    run.happened = happened
    places = run.of(channel)
    for place in places[:most]:
        run.tell(place, "sending", "unknown")
    assert run.found() == set()
    run.tell(places[most], "sending", "waiting", "sending", "unknown")
    assert run.found() == {"more answers unknown than faults explain"}


def test_every_fault_of_a_run_explains_at_most_so_many() -> None:
    happened = {"kill kafka": 1, "freeze outbox": 1, "zombie outbox": 2, "cut kafka": 1, "cut smsc": 1, "cut imap": 1}
    assert most_unknown("city110000", happened) == (2 + 2 + 2 * 4 + 2) * SENDERS["mailbox"].at_once
    happened |= {"kill connector:sms110000": 1, "join and leave connector:sms110000": 1, "kill connector:sms120000": 1}
    assert most_unknown("sms110000", happened) == (2 + 2 + 1 + 2 + 2) * SENDERS["sms_smpp"].at_once


def side_by_side(run: Run, places: list[int]) -> None:
    """Let these answers begin, each before the first has ended."""
    courses = [run.states(place, "sending", "accepted") for place in places]
    for place in places:
        run.ledger.answered[run.names[place]].clear()
    for state in (told for at in zip(*courses, strict=True) for told in at):
        run.ledger.went(state)


def test_an_account_that_has_more_answers_on_their_way_than_it_may_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    side_by_side(run, run.of("mailbox")[:3])
    monkeypatch.setattr(answers, "at_once", lambda account: 3)
    assert run.found() == set()
    monkeypatch.setattr(answers, "at_once", lambda account: 2)
    assert run.found() == {"more answers on their way than the account allows"}


def test_two_answers_at_once_to_one_citizen_are_found() -> None:
    run = Run()
    first, second = run.of("mailbox")[:2]
    intents = run.ledger.intents
    intents[run.names[second]][0] = replace(
        intents[run.names[second]][0], recipient=intents[run.names[first]][0].recipient
    )
    side_by_side(run, [first, second])
    assert "answer begun while another to the same citizen was on its way" in run.found()
