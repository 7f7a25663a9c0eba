"""Tokens: the signed name of a ticket, which our answers carry so that a reply finds its way back.

`<ticket id>.<key id>.<16 base32 characters of HMAC-SHA256>`: in a mail's subject and Message-ID, behind a plus sign in
our address, in an SMS or a WeChat text. Upper and lower case are the same. The keys are made of the requester keys, so
a new one of those makes new tokens, and the older ones still open the tokens that they signed.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from normalizers.draft import Draft
from normalizers.policy import Policy
from normalizers.text import nfkc
from schemas import ids
from schemas.keyed import keyed_digest

_TOKEN = re.compile(r"(?<![a-z0-9-])([1-9]\d{5}-[a-z2-7]{20})\.([a-z0-9_]{1,32})\.([a-z2-7]{16})(?![a-z0-9])")
TICKET_NUMBER = re.compile(r"(?<![0-9-])[1-9]\d{5}-(?:19|20)\d{6}-\d{6,9}-\d(?![0-9-])")
_LIKE_ONE = re.compile(r"-(?:(?:19|20)\d{6}-|[a-z2-7]{20}\.)")
"""What every token and every number holds; it begins with a hyphen, which is looked for."""

_OUR_REFERENCE = ".receipt@"
"""Ends the part before the @ of the Message-ID of our receipts; the token stands before it."""

MOST_NUMBERS = 5
"""A list of ticket numbers is no answer to one of them."""


class Named(NamedTuple):
    """What a message says of the ticket it answers.

    `ticket_id` is signed by us; `claimed` is not, though written as if; `numbers` are official ones (工单编号), which
    anybody can write.
    """

    token: str | None = None
    ticket_id: str | None = None
    claimed: str | None = None
    numbers: tuple[str, ...] = ()


NOTHING = Named()


def without(folded: str) -> str:
    """Return a folded text without tokens and official numbers: they say which ticket is meant, and not what."""
    return TICKET_NUMBER.sub("", _TOKEN.sub("", folded)) if _LIKE_ONE.search(folded) is not None else folded


def make(ticket_id: str, policy: Policy) -> str:
    """Return the token of a ticket under the newest key."""
    key_id, key = next(iter(policy.requester_keys.items()))
    return f"{ticket_id}.{key_id}.{_signature(ticket_id, key)}"


def mail_id(token: str, domain: str) -> str:
    """Return the Message-ID, without its brackets, of the receipt that carries a token: a reply names it."""
    return f"{token}{_OUR_REFERENCE}{domain}"


def named(draft: Draft, policy: Policy) -> Named:
    """Find the first token that we signed in title, our addresses, references and text; numbers in title and text."""
    said = f"{draft.title}\n{draft.text}" if draft.title else draft.text
    addresses = "\n".join(_tagged(draft))
    if _has_none(said) and not addresses:
        return NOTHING
    plain = nfkc(f"{draft.title or ''}\n{addresses}\n{draft.text}").lower()
    numbers = dict.fromkeys(number for number in TICKET_NUMBER.findall(nfkc(said)) if ids.valid_ticket_no(number))
    found = _token(_TOKEN.findall(plain), policy)
    return found._replace(numbers=tuple(numbers)[:MOST_NUMBERS])


def _tagged(draft: Draft) -> Iterator[str]:
    """Yield where an answer to a mail of ours has the token: a tag of our address, and what it says it answers."""
    yield from (party.value for party in draft.recipients if "+" in party.value)
    yield from (reference for reference in draft.thread.references if _OUR_REFERENCE in reference)


def _has_none(said: str) -> bool:
    """Say quickly that there is none: nearly all messages have no hyphen between digits and what follows."""
    return "-" not in said and "－" not in said


def _token(found: Iterable[tuple[str, str, str]], policy: Policy) -> Named:
    claimed: Named | None = None
    for ticket_id, key_id, signature in found:
        key, token = policy.requester_keys.get(key_id), f"{ticket_id}.{key_id}.{signature}"
        if key is not None and hmac.compare_digest(_signature(ticket_id, key), signature):
            return Named(token=token, ticket_id=ticket_id)
        claimed = claimed or Named(token=token, claimed=ticket_id)
    return claimed or NOTHING


def _signature(ticket_id: str, key: bytes) -> str:
    own = keyed_digest(key, b"ticket token")  # a key of its own: nothing else that is signed can be taken for a token
    return ids.b32_text(keyed_digest(own, ticket_id.encode()), 16)
