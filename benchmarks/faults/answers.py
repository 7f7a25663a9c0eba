"""The checker of answers: each citizen who is to get a receipt has one intended, at most one got, and its end told.

What is checked is what `docs/how-to/answers.md` and `docs/adr/0026-outbox.md` promise.
"""

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping

from benchmarks.faults.checker import by_kind
from benchmarks.faults.citizens import Text
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.sources import ACCOUNTS, Numbered
from connectors.reply_registry import SENDERS
from schemas.records import OutboxState

BEGUN = "sending"
FOLLOWS = {
    None: {BEGUN},
    BEGUN: {"waiting", "accepted", "refused", "unknown"},
    "waiting": {BEGUN},
}
"""Which state may stand behind which; behind an end stands none. Nobody here is to be refused an answer for good."""

REPORTED = {"accepted": {"delivered"}, "unknown": {"delivered"}}
"""What a gateway's report may still say behind an end."""

MOMENTS = {"kill": 2, "fill": 2, "terminate": 2, "freeze": 2, "cut": 2, "join": 2, "zombie": 4}
"""How often a fault of the outbox, of the connector of an account that answers over its session, or of Kafka can come
between an answer and the log that is to tell its end: a worker or Kafka's lines go, and then the group is joined anew;
a second worker joins and leaves; of a zombie both happen. A service whose lines are reset does so once.

Each moment leaves as many of an account unknown as it may have on their way at a time, at most.
"""

SECTIONS = {"mailbox": "mailbox", "sms": "sms_smpp", "wechat": "wechat"}
"""The settings of a channel's accounts, which say nothing of how many answers are on their way at a time."""

SERVICES = {"mailbox": "smtp", "sms": "smsc", "wechat": "wechat"}
"""Whose lines a channel's answers take. What a service does not take now is surely not there, and never unknown."""


def in_outbox(
    sent: Iterable[Numbered],
    accounts: Iterable[str],
    ledger: Ledger,
    got: Iterable[Text],
    happened: Mapping[str, int],
    early: Container[int],
) -> dict[str, list[str]]:
    """Return what is wrong with the answers of `accounts`, by kind.

    `got` is what has reached citizens, `early` the numbers of those who had it before the log was read: of a later one
    it need not tell. `happened` is how often each fault did.
    """
    accounts = set(accounts)
    faults = _faults([one for one in sent if not one.is_poison and one.first is one], accounts, ledger, got, early)
    return by_kind([*faults, *_too_many(accounts, ledger, happened)])


def most_unknown(account: str, happened: Mapping[str, int]) -> int:
    """Return how many answers of an account the faults that happened can have left unknown, at most."""
    service = SERVICES[_channel(account)]
    over_session = SENDERS[SECTIONS[_channel(account)]].make is None
    owner = f"connector:{account}" if over_session else "outbox"
    moments = 0
    for fault, times in happened.items():
        how, whom = fault.split()[0], fault.split()[-1]
        if whom in (owner, "kafka"):
            moments += MOMENTS[how] * times
        elif (how, whom) == ("cut", service):
            moments += times
    return moments * at_once(account)


def at_once(account: str) -> int:
    """Return how many answers of an account may be on their way at a time."""
    return SENDERS[SECTIONS[_channel(account)]].at_once


def ends(ledger: Ledger) -> dict[str, int]:
    """Return how many answers stand how: their last state, and `tries` beyond the first."""
    last = Counter(states[-1].state for states in ledger.answered.values())
    last["tried again"] = sum(one.state == "waiting" for states in ledger.answered.values() for one in states)
    return dict(sorted(last.items()))


def _channel(account: str) -> str:
    (channel,) = (channel for channel, name in ACCOUNTS.items() if account.startswith(name.format("")))
    return channel


def _faults(
    sent: list[Numbered], accounts: set[str], ledger: Ledger, got: Iterable[Text], early: Container[int]
) -> Iterator[tuple[str, str]]:
    texts: defaultdict[int, list[Text]] = defaultdict(list)
    for text in got:
        texts[text.number].append(text)
    tickets = {message.number: ledger.tickets_of(message.number) for message in sent}
    for message in sent:
        for ticket_id in tickets[message.number] if message.account in accounts else ():
            found = texts[message.number]
            yield from ((kind, message.mark) for kind in _wrong(message, ticket_id, ledger, found, early))
    for number, found in texts.items():
        if len(found) > 1:
            yield "answered twice", str(number)
    wanted = {message.number for message in sent if message.account in accounts}
    for number in texts.keys() - wanted:
        yield "answered who is to get no answer", str(number)
    known = {f"{ticket_id}:receipt" for number in wanted for ticket_id in tickets[number]}
    for outbox_id in (ledger.intents.keys() | ledger.answered.keys()) - known:
        yield "answer that nobody is to get", outbox_id


def _too_many(accounts: Iterable[str], ledger: Ledger, happened: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    for outbox_id in ledger.crowded:
        yield "answer begun while another to the same citizen was on its way", outbox_id
    last = Counter(
        states[-1].account for states in ledger.answered.values() if states and states[-1].state == "unknown"
    )
    for account in accounts:
        if ledger.at_once[account] > at_once(account):
            yield "more answers on their way than the account allows", f"{account}: {ledger.at_once[account]}"
        if last[account] > (most := most_unknown(account, happened)):
            yield "more answers unknown than faults explain", f"{account}: {last[account]}, and {most} at most"


def _wrong(
    message: Numbered, ticket_id: str, ledger: Ledger, texts: list[Text], early: Container[int]
) -> Iterator[str]:
    intents = ledger.intents.get(f"{ticket_id}:receipt", [])
    states = ledger.answered.get(f"{ticket_id}:receipt", [])
    if len(intents) != 1:
        yield f"answer intended {len(intents)} times"
    if any(one.recipient.value.removeprefix("+") != message.address for one in intents):
        yield "answer to another citizen"
    yield from _wrong_course(states, {"withheld"} if ledger.tickets[ticket_id].erased else set())
    if message.number in early and not states:
        yield "answered before the log knew of it"
    if states and states[-1].state == "accepted" and not any(text.is_whole for text in texts):
        yield "answer accepted that did not arrive"
    for text in texts:
        if text.is_whole and ledger.tickets[ticket_id].ticket_no not in text.words:
            yield "answer of another ticket"
        # A citizen's second mail may come first, and then the receipt answers that one.
        if text.channel == "mailbox" and not any(f"<{mark}@example.cn>" in text.words for mark in message.marks):
            yield "answer outside its thread"


def _wrong_course(states: list[OutboxState], also: set[str]) -> Iterator[str]:
    """Of an erased ticket an answer that did not leave yet is withheld: `also`."""
    before, attempts = None, 0
    for one in states:
        attempts += one.state == BEGUN
        allowed = FOLLOWS.get(before, set()) | REPORTED.get(before or "", set())
        if one.state not in allowed | (also if before in FOLLOWS else set()):
            yield f"answer {one.state} ({one.code}) after {before}"
        elif one.attempts != attempts:
            yield "attempt of an answer not counted"
        before = one.state
    if before in FOLLOWS:
        yield "answer without an end"
    if before == "refused":
        yield f"answer refused ({states[-1].code})"
