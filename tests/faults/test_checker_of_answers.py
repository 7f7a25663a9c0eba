"""The fault suite finds each fault of an answer that is made on purpose, and none where each citizen got one."""

from collections.abc import Callable
from functools import cache

import pytest
from msgspec.structs import replace

from benchmarks.faults.answers import ends, in_outbox
from benchmarks.faults.citizens import Text
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import Numbered
from schemas.records import Outbox, OutboxState, Party
from tests.faults.test_checker import sent, written
from tests.tickets.build import START

everything = cache(written)


class Run:
    """What a run left: the log of the outbox, and what citizens got."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        for record in everything():
            self.ledger.take(record)
        self.got: list[Text] = []
        self.names = [self._answer(message) for message in sent()]

    def found(self) -> set[str]:
        return set(in_outbox(sent(), {message.account for message in sent()}, self.ledger, self.got))

    def tell(self, number: int, *states: str) -> None:
        """Write what became of an answer anew."""
        intent = self.ledger.intents[self.names[number]][0]
        told = [
            OutboxState(
                outbox_id=intent.outbox_id, ticket_id=intent.ticket_id, ticket_no=intent.ticket_no,
                jurisdiction=intent.jurisdiction, channel=intent.channel, account=intent.account, state=state,
                attempts=states[: place + 1].count("sending"), at=START,
            )
            for place, state in enumerate(states)
        ]  # fmt: skip
        self.ledger.answered[intent.outbox_id] = told

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


@pytest.mark.parametrize("is_there", [False, True])
def test_what_is_unknown_may_have_arrived_or_not(is_there: bool) -> None:
    run = Run()
    run.tell(2, "sending", "waiting", "sending", "unknown")
    if not is_there:
        never(run)
    assert run.found() == set()
    assert ends(run.ledger) == {"accepted": len(run.names) - 1, "unknown": 1, "tried again": 1}


@pytest.mark.parametrize(
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
