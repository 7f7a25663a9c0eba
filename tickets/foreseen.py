"""Foreseen: what the mask of a ticket will look for in a message's words, found where many work and none has to wait.

A city has one desk and any number of normalizers. What they found travels with the message; the desk takes it for what
it would find itself where the grounds are its own, and only for the very text in which it was found.
"""

from pathlib import Path

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from schemas.records import Message
from schemas.records.message import Foreseen
from tickets import limits, location, masking, snapshot
from tickets.deciders.no_ticket import NO_CITIZEN
from tickets.grounds import grounds
from tickets.masking import Known, Words
from tickets.remembered import digest_of, told
from tickets.requesters import requester_of
from tickets.spans import Seen, look

MOST = 2_000
"""Numbers: a message in which more is found goes without them."""


def prepare(rules_folder: Path | None) -> None:
    """Read and compile all that it takes, so that the first message does not wait for it."""
    grounds(rules_folder)
    look("", rules_folder)


def foreseen(message: Message, rules_folder: Path | None) -> Message:
    """Return the message with what is personal in the words that its ticket shows, or that nothing is."""
    if message.message_class in NO_CITIZEN or message.part is not None:
        return message
    seen: dict[str, Seen] = {}
    clean = _clean(message, rules_folder, seen)
    if (place := location.named(message)) is not None:
        shown = masking.as_place(place)
        seen[shown] = look(shown, rules_folder)
    found = {digest_of(text).hex(): told(one) for text, one in seen.items()}
    if sum(map(len, found.values())) > MOST:
        return message
    return replace(message, foreseen=Foreseen(grounds=grounds(rules_folder), found=found, clean=clean))


def expect(message: Message, rules_folder: Path | None) -> None:
    """Take over what was found in a message, if it was found as it is here."""
    found = message.foreseen
    if found is not UNSET and found.grounds == grounds(rules_folder):
        masking.remember(found.found, None if found.clean is UNSET else found.clean, rules_folder)


def _clean(message: Message, rules_folder: Path | None, seen: dict[str, Seen]) -> str | UnsetType:
    """Mask the words that the message's ticket shows as long as no other one comes to it.

    Return the digest of words that the mask leaves as they are; of others all that was `seen` in them is noted.
    """

    def looked(text: str, folder: Path | None) -> Seen:
        seen[text] = found = look(text, folder)
        return found

    search_text = limits.beginning(message.search_text, limits.MESSAGE_CHARACTERS)
    said = Words(snapshot.title_of(message), message.text, search_text)
    known = Known(masking.known_of(requester_of(message)), rules_folder)
    if masking.masked_words(said, known, looked) != said:
        return UNSET
    seen.clear()
    return masking.digest_of_words(said, known.values).hex()
