"""Foreseen: what the mask of a ticket will look for in a message's words, found where many work and none has to wait.

A city has one desk and any number of normalizers. What they found travels with the message; the desk takes it for what
it would find itself where the grounds are its own, and only for the very text in which it was found.
"""

from collections.abc import Iterator

from msgspec import UNSET
from msgspec.structs import replace

from normalizers.pii.cache import told_of
from normalizers.pii.detect import look
from normalizers.rules import Rules
from schemas.records import Message
from schemas.records.message import Foreseen
from tickets.codes import NO_CITIZEN
from tickets.masking import mask
from tickets.masking.fingerprint import grounds
from tickets.model import limits
from tickets.snapshot import build, fields

MOST = 2_000
"""Numbers: a message in which more is found goes without them."""


def prepare(rules: Rules) -> None:
    """Read and compile all that it takes, so that the first message does not wait for it."""
    grounds(rules)
    look("", rules)


def foreseen(message: Message, rules: Rules) -> Message:
    """Return the message with what is personal in the words that its ticket shows."""
    if message.message_class in NO_CITIZEN or message.part is not None:
        return message
    # Under numbers: names that are others in each message would fill the tables of names that JSON parsers keep.
    texts = enumerate(dict.fromkeys(_texts(message)))
    found = {str(number): told_of(text, look(text, rules)) for number, text in texts}
    if sum(map(len, found.values())) > MOST:
        return message
    return replace(message, foreseen=Foreseen(grounds=grounds(rules), found=found))


def expect(message: Message, rules: Rules) -> None:
    """Take over what was found in a message, if it was found as it is here."""
    found = message.foreseen
    if found is not UNSET and found.grounds == grounds(rules):
        mask.remember(found.found.values(), rules)


def _texts(message: Message) -> Iterator[str]:
    """Yield what `mask_ticket` will ask about, as long as no other message comes to the ticket."""
    yield build.text_of(message)
    if message.title:
        title = build.title_of(message) or ""
        yield title
        if title != message.title:  # then the copy for searching is not one of title and text
            yield limits.beginning(message.search_text, limits.MESSAGE_CHARACTERS)
    if (place := fields.named(message)) is not None:
        yield mask.as_place(place)
