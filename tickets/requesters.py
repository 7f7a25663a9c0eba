"""Who asks: what the messages of a ticket tell of the person, kept once."""

from msgspec.structs import replace

from schemas.records import Event, Message
from schemas.records.common import Party
from schemas.records.ticket import Requester
from tickets import limits
from tickets.codes import is_of_participant
from tickets.policy import TicketPolicy

_KNOWN_BY = frozenset({"phone", "email", "openid", "uid"})


def requester_of(message: Message) -> Requester:
    """Return who sent a message, by all that it tells of them."""
    if message.sender is None:
        return Requester()
    sender = limits.short_party(message.sender)
    known = sender.kind if sender.kind in _KNOWN_BY else None
    if known == "uid" and message.channel == "weibo":
        known = "weibo_uid"
    name = sender.name or (sender.value if sender.kind == "name" else None)
    own = next(iter(message.features.requesters), None)
    return Requester(id=own, name=name, identities=(sender,), **({known: sender.value} if known else {}))


def with_sender(first: Requester, message: Message, decision: Event, policy: TicketPolicy, text: str) -> Requester:
    """Return who asks, and by what else they write; who only takes part is known beside them, and lends no name."""
    more = requester_of(message)
    parties = _parties((*first.identities, *more.identities))
    known = replace(first, identities=limits.people(parties, policy.max_identities, text))
    if is_of_participant(decision.method):
        return known
    return replace(
        known,
        name=first.name or more.name,
        phone=first.phone or more.phone,
        email=first.email or more.email,
        openid=first.openid or more.openid,
        weibo_uid=first.weibo_uid or more.weibo_uid,
        uid=first.uid or more.uid,
    )


def _parties(parties: tuple[Party, ...]) -> tuple[Party, ...]:
    """Keep each once. Another display name on the same number is an entry of its own: masks look for every name."""
    named = {(party.kind, party.value) for party in parties if party.name}
    kept = [party for party in reversed(parties) if party.name or (party.kind, party.value) not in named]
    return tuple({(party.kind, party.value, party.name): party for party in kept}.values())[::-1]
