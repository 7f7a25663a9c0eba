"""The checker of webhooks: each snapshot of the subscription arrived as it was written, and each ticket's in its order.

What is checked is what `docs/how-to/webhooks.md` and `docs/adr/0014-webhooks.md` promise.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from benchmarks.faults.checker import by_kind
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.subscriber import NAME, Arrival


def in_subscription(
    cities: Iterable[str], ledger: Ledger, arrivals: Iterable[Arrival], early: int
) -> dict[str, list[str]]:
    """Return what is wrong with the deliveries of the tickets of `cities`, by kind.

    `early` of them had come before the topics were read: of a later one these need not tell. Of an erased ticket
    nothing need arrive but that it is, of a redacted one nothing of before.
    """
    return by_kind(_faults(tuple(cities), ledger, list(arrivals), early))


def repeats(arrivals: Iterable[Arrival]) -> int:
    """Return how many deliveries came again: harmless, counted."""
    return sum(count - 1 for count in Counter(one.delivery_id for one in arrivals).values())


def _faults(cities: tuple[str, ...], ledger: Ledger, arrivals: list[Arrival], early: int) -> Iterator[tuple[str, str]]:
    wanted = {
        f"{NAME}:{ticket_id}:{version}": value
        for ticket_id, versions in ledger.snapshots.items()
        if ticket_id.startswith(cities)
        for version, value in versions.items()
    }
    for one in arrivals[:early]:
        if not one.is_signed:
            yield "delivery without its signature", one.delivery_id
        if one.delivery_id not in wanted:
            yield "delivery that nobody subscribed to", one.delivery_id
        elif one.digest != wanted[one.delivery_id]:
            yield "delivery unlike its record", one.delivery_id
    void = {name for name in wanted if _is_void(name, ledger)}
    for delivery_id in wanted.keys() - {one.delivery_id for one in arrivals} - void:
        yield "snapshot never delivered", delivery_id
    yield from _disordered(one.delivery_id for one in arrivals if one.delivery_id in wanted)
    # Killed between the receiver's yes and the log, the sink passes over what a later version made void.
    for kind, delivery_id in _unlogged([one.delivery_id for one in arrivals], early, ledger.deliveries):
        if delivery_id not in void:
            yield kind, delivery_id


def _is_void(delivery_id: str, ledger: Ledger) -> bool:
    """Say whether a later version took words away: whoever was away until then is told that alone."""
    _, ticket_id, version = delivery_id.split(":")
    ticket = ledger.tickets.get(ticket_id)
    if ticket is None:
        return False
    below = max(ledger.snapshots[ticket_id]) if ticket.erased else ticket.redacted_version or 0
    return int(version) < below


def _disordered(arrived: Iterable[str]) -> Iterator[tuple[str, str]]:
    """A version may come again; what comes for the first time is never older than what is there."""
    newest: defaultdict[str, int] = defaultdict(int)
    for delivery_id in dict.fromkeys(arrived):
        ticket, _, version = delivery_id.rpartition(":")
        if int(version) < newest[ticket]:
            yield "older version delivered after a newer one", delivery_id
        newest[ticket] = max(newest[ticket], int(version))


def _unlogged(came: list[str], early: int, outcomes: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    """The log of deliveries holds the end of each before its offset is committed."""
    told = {delivery_id for delivery_id, found in outcomes.items() if "delivered" in found}
    for delivery_id in set(came[:early]) - told:
        yield "delivery that its log does not tell of", delivery_id
    for delivery_id in told - set(came):
        yield "delivery told of that did not arrive", delivery_id
    for delivery_id, found in outcomes.items():
        if "dead" in found:
            yield "delivery given up", delivery_id
