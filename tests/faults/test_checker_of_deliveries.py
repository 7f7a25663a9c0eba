"""The fault suite finds each fault of a webhook that is made on purpose, and none where every snapshot arrived."""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import replace

from benchmarks.faults.deliveries import in_subscription, repeats
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.subscriber import Arrival, digest
from tests.rows import each_row
from tickets.erasure.blackout import erased, unknown

CITY = "210100"
TICKETS = [f"{CITY}-{letter * 20}" for letter in "abcd"]


class Run:
    """What a run left: two versions of each ticket in Kafka, the deliveries, and the log of them."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.came: list[Arrival] = []
        self.late = 0
        for version in (1, 2):
            for ticket_id in TICKETS:
                value, name = digest(f"{ticket_id} {version}".encode()), f"map:{ticket_id}:{version}"
                self.ledger.snapshots[ticket_id][version] = value
                self.ledger.deliveries[name].add("delivered")
                self.came.append(Arrival(delivery_id=name, digest=value, is_signed=True))

    def found(self) -> set[str]:
        return set(in_subscription([CITY], self.ledger, self.came, len(self.came) - self.late))


def lost(run: Run) -> None:
    one = run.came.pop(2)
    del run.ledger.deliveries[one.delivery_id]


def told_only(run: Run) -> None:
    del run.came[2]


def untold(run: Run) -> None:
    run.ledger.deliveries[run.came[2].delivery_id] = {"retrying"}


def given_up(run: Run) -> None:
    run.ledger.deliveries[run.came[2].delivery_id].add("dead")


def newer_first(run: Run) -> None:
    run.came.append(run.came.pop(0))


def changed(run: Run) -> None:
    run.came[2] = replace(run.came[2], digest=b"another")


def unsigned(run: Run) -> None:
    run.came[2] = replace(run.came[2], is_signed=False)


def of_another_city(run: Run) -> None:
    run.came[2] = replace(run.came[2], delivery_id=f"map:310000-{'a' * 20}:1")


def test_nothing_is_wrong_where_every_snapshot_arrived() -> None:
    assert Run().found() == set()


def test_of_what_arrives_after_the_topics_were_read_they_need_not_tell() -> None:
    run = Run()
    run.came.append(Arrival(delivery_id=f"map:{TICKETS[0]}:3", digest=b"of what is written now", is_signed=True))
    assert run.found() == {"delivery that nobody subscribed to", "delivery that its log does not tell of"}
    run.late = 1
    assert run.found() == set()


def test_what_comes_again_after_a_crash_is_counted_and_no_fault() -> None:
    run = Run()
    run.came += run.came[:5]
    assert run.found() == set()
    assert repeats(run.came) == 5


def test_of_an_erased_ticket_nothing_has_to_arrive_but_that_it_is() -> None:
    for number, found in ((0, set()), (len(TICKETS), {"snapshot never delivered"})):
        run = Run()
        run.ledger.tickets[TICKETS[0]] = erased(unknown(TICKETS[0], CITY, datetime(2026, 11, 25, tzinfo=UTC)))
        one = run.came.pop(number)
        del run.ledger.deliveries[one.delivery_id]
        assert run.found() == found


def test_of_a_redacted_ticket_nothing_of_before_has_to_arrive() -> None:
    for number, found in ((0, set()), (len(TICKETS), {"snapshot never delivered"})):
        run = Run()
        ticket = unknown(TICKETS[0], CITY, datetime(2026, 11, 25, tzinfo=UTC))
        run.ledger.tickets[TICKETS[0]] = replace(ticket, redacted_version=2)
        one = run.came.pop(number)
        del run.ledger.deliveries[one.delivery_id]
        assert run.found() == found


def test_of_what_became_void_the_log_need_not_tell_that_it_arrived() -> None:
    """Killed between the receiver's yes and the log, the sink finds its ticket redacted when it is there again."""
    for number, found in ((0, set()), (len(TICKETS), {"delivery that its log does not tell of"})):
        run = Run()
        ticket = unknown(TICKETS[0], CITY, datetime(2026, 11, 25, tzinfo=UTC))
        run.ledger.tickets[TICKETS[0]] = replace(ticket, redacted_version=2)
        run.ledger.deliveries[run.came[number].delivery_id] = {"retrying"}
        assert run.found() == found


@each_row(
    ("fault", "kind"),
    [
        (lost, "snapshot never delivered"),
        (told_only, "delivery told of that did not arrive"),
        (untold, "delivery that its log does not tell of"),
        (given_up, "delivery given up"),
        (newer_first, "older version delivered after a newer one"),
        (changed, "delivery unlike its record"),
        (unsigned, "delivery without its signature"),
        (of_another_city, "delivery that nobody subscribed to"),
    ],
)
def test_a_fault_is_found(fault: Callable[[Run], None], kind: str) -> None:
    run = Run()
    fault(run)
    assert kind in run.found()
