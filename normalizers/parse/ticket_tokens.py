"""Tokens: the signed name of a ticket, which our answers carry so that a reply finds its way back.

`<ticket id>.<key id>.<16 base32 characters of HMAC-SHA256>`: in a mail's subject and Message-ID, behind a plus sign in
our address, in an SMS or a WeChat text. Upper and lower case are the same. The keys are made of the requester keys, so
a new one of those makes new tokens, and the older ones still open the tokens that they signed.
"""

import hmac
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from normalizers.base import Draft, Policy
from normalizers.text.fold import nfkc
from normalizers.text.ticket_numbers import TICKET_NUMBER
from schemas import ids
from schemas.ids import keyed_digest

_TOKEN = re.compile(r"(?<![a-z0-9-])([1-9]\d{5}-[a-z2-7]{20})\.([a-z0-9_]{1,32})\.([a-z2-7]{16})(?![a-z0-9])")
_LIKE_ONE, _DAY = re.compile(r"-[a-z2-7]{20}\."), re.compile(r"20\d{6}")
"""What every token and every number holds; how each begins is sooner looked for."""

_QUOTED = 4_000
"""Characters of what a message quotes in which a ticket is looked for."""

_OUR_REFERENCE = ".receipt@"
"""Ends the part before the @ of the Message-ID of our receipts; the token stands before it."""

MOST_NUMBERS = 5
"""A list of ticket numbers is no answer to one of them."""


class Named(NamedTuple):
    """What a message says of the ticket it answers.

    `ticket_id` is signed by us, and so are `further` ones; `claimed` is not, though written as if; `numbers` are
    official ones (工单编号), which anybody can write.
    """

    token: str | None = None
    ticket_id: str | None = None
    claimed: str | None = None
    numbers: tuple[str, ...] = ()
    further: tuple[str, ...] = ()


NOTHING = Named()


def without(folded: str) -> str:
    """Return a folded text without tokens and official numbers: they say which ticket is meant, and not what."""
    if _LIKE_ONE.search(folded) is not None:
        folded = _TOKEN.sub("", folded)
    return TICKET_NUMBER.sub(_unless_an_order, folded) if _DAY.search(folded) is not None else folded


def _unless_an_order(written: re.Match[str]) -> str:
    number = "-".join(written.groups())
    return "" if number == written[0] or ids.valid_ticket_no(number) else written[0]


def make(ticket_id: str, policy: Policy) -> str:
    """Return the token of a ticket under the newest key."""
    key_id, key = next(iter(policy.requester_keys.items()))
    return f"{ticket_id}.{key_id}.{_signature(ticket_id, key)}"


def mail_id(token: str, domain: str) -> str:
    """Return the Message-ID, without its brackets, of the receipt that carries a token: a reply names it."""
    return f"{token}{_OUR_REFERENCE}{domain}"


def named(draft: Draft, policy: Policy) -> Named:
    """Find the tokens that we signed in title, our addresses, references and text; numbers in title and text.

    Who names no ticket there and repeats our letter below their own words (不满意) means the one that it names.
    """
    said = f"{draft.title}\n{draft.text}" if draft.title else draft.text
    found = _named("\n".join((draft.title or "", *_tagged(draft), draft.text)), said, policy)
    return (
        _named(draft.quoted[:_QUOTED], draft.quoted[:_QUOTED], policy) if found == NOTHING and draft.quoted else found
    )


def _named(plain: str, said: str, policy: Policy) -> Named:
    """Find the tokens in `plain`, and the numbers in `said`."""
    if _has_none(plain):
        return NOTHING
    written = dict.fromkeys(map("-".join, TICKET_NUMBER.findall(nfkc(said))))
    numbers = tuple(filter(ids.valid_ticket_no, written))[:MOST_NUMBERS]
    return _token(_TOKEN.findall(nfkc(plain).lower()), policy)._replace(numbers=numbers)


def _tagged(draft: Draft) -> Iterator[str]:
    """Yield where an answer to mails of ours has the token: a tag of our address, and what it says it answers."""
    yield from (party.value for party in draft.recipients if "+" in party.value)
    yield from (reference for reference in reversed(draft.thread.references) if _OUR_REFERENCE in reference)


def _has_none(text: str) -> bool:
    """Say quickly that there is none: nearly all messages have neither a hyphen nor a day of eight digits."""
    return "-" not in text and "－" not in text and _DAY.search(text) is None


def _token(found: Iterable[tuple[str, str, str]], policy: Policy) -> Named:
    """Return the first that we signed, with the tickets that the next few name, else the first claim."""
    each = tuple(dict.fromkeys(found))
    signed = {one[0]: ".".join(one) for one in islice((one for one in each if _is_signed(one, policy)), MOST_NUMBERS)}
    if signed:
        first, *further = signed
        return Named(token=signed[first], ticket_id=first, further=tuple(further))
    return Named(token=".".join(each[0]), claimed=each[0][0]) if each else NOTHING


def _is_signed(written: tuple[str, str, str], policy: Policy) -> bool:
    ticket_id, key_id, signature = written
    key = policy.requester_keys.get(key_id)
    return key is not None and hmac.compare_digest(_signature(ticket_id, key), signature)


def _signature(ticket_id: str, key: bytes) -> str:
    own = keyed_digest(key, b"ticket token")  # a key of its own: nothing else that is signed can be taken for a token
    return ids.b32_text(keyed_digest(own, ticket_id.encode()), 16)
