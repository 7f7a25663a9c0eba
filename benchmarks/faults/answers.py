"""The checker of answers: each citizen who is to get a receipt has one intended, at most one got, and its end told.

What is checked is what `docs/how-to/answers.md` and `docs/adr/0026-outbox.md` promise.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from benchmarks.faults.checker import by_kind
from benchmarks.faults.citizens import Text
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import Numbered
from schemas.records import OutboxState

BEGUN = "sending"
FOLLOWS = {
    None: {BEGUN},
    BEGUN: {"waiting", "accepted", "refused", "unknown"},
    "waiting": {BEGUN},
}
"""Which state may stand behind which; behind an end stands none. Nobody here is to be refused an answer for good."""


def in_outbox(
    sent: Iterable[Numbered], accounts: Iterable[str], ledger: Ledger, got: Iterable[Text]
) -> dict[str, list[str]]:
    """Return what is wrong with the answers of `accounts`, by kind; `got` is what reached citizens."""
    return by_kind(_faults([one for one in sent if not one.is_poison], set(accounts), ledger, got))


def ends(ledger: Ledger) -> dict[str, int]:
    """Return how many answers stand how: their last state, and `tries` beyond the first."""
    last = Counter(states[-1].state for states in ledger.answered.values())
    last["tried again"] = sum(one.state == "waiting" for states in ledger.answered.values() for one in states)
    return dict(sorted(last.items()))


def _faults(sent: list[Numbered], accounts: set[str], ledger: Ledger, got: Iterable[Text]) -> Iterator[tuple[str, str]]:
    texts: defaultdict[int, list[Text]] = defaultdict(list)
    for text in got:
        texts[text.number].append(text)
    tickets = {message.number: ledger.tickets_of(message.number) for message in sent}
    for message in sent:
        for ticket_id in tickets[message.number] if message.account in accounts else ():
            yield from ((kind, message.mark) for kind in _wrong(message, ticket_id, ledger, texts[message.number]))
    for number, found in texts.items():
        if len(found) > 1:
            yield "answered twice", str(number)
    wanted = {message.number for message in sent if message.account in accounts}
    for number in texts.keys() - wanted:
        yield "answered who is to get no answer", str(number)
    known = {f"{ticket_id}:receipt" for number in wanted for ticket_id in tickets[number]}
    for outbox_id in (ledger.intents.keys() | ledger.answered.keys()) - known:
        yield "answer that nobody is to get", outbox_id


def _wrong(message: Numbered, ticket_id: str, ledger: Ledger, texts: list[Text]) -> Iterator[str]:
    intents = ledger.intents.get(f"{ticket_id}:receipt", [])
    states = ledger.answered.get(f"{ticket_id}:receipt", [])
    if len(intents) != 1:
        yield f"answer intended {len(intents)} times"
    if any(one.recipient.value.removeprefix("+") != message.address for one in intents):
        yield "answer to another citizen"
    yield from _wrong_course(states, {"withheld"} if ledger.tickets[ticket_id].erased else set())
    if texts and not states:
        yield "answered before the log knew of it"
    if states and states[-1].state == "accepted" and not any(text.is_whole for text in texts):
        yield "answer accepted that did not arrive"
    for text in texts:
        if text.is_whole and ledger.tickets[ticket_id].ticket_no not in text.words:
            yield "answer of another ticket"
        if text.channel == "mailbox" and f"<{message.mark}@example.cn>" not in text.words:
            yield "answer outside its thread"


def _wrong_course(states: list[OutboxState], also: set[str]) -> Iterator[str]:
    """Of an erased ticket an answer that did not leave yet is withheld: `also`."""
    before, attempts = None, 0
    for one in states:
        attempts += one.state == BEGUN
        if one.state not in FOLLOWS.get(before, set()) | (also if before in FOLLOWS else set()):
            yield f"answer {one.state} ({one.code}) after {before}"
        elif one.attempts != attempts:
            yield "attempt of an answer not counted"
        before = one.state
    if before in FOLLOWS:
        yield "answer without an end"
    if before == "refused":
        yield f"answer refused ({states[-1].code})"
