"""Parts: the pieces of a long SMS, joined as bytes first and decoded then, and the whole understood anew."""

from collections.abc import Iterable, Iterator, Sequence
from typing import get_args

from msgspec.structs import replace

from normalizers.normalize import understood
from normalizers.policy import Policy
from normalizers.sms.coding import Format, decode
from schemas.records import Message, Part

GAP = "〔……〕"
"""Stands where parts are still missing."""


def joined(messages: Sequence[Message], policy: Policy) -> Message:
    """Return the last of these messages with the text of them all, in the order of their numbers.

    Of two parts with one number the first counts. Neighbours are decoded together: a character can lie in two parts.
    """
    parts = {message.part.number: message.part for message in reversed(messages) if message.part is not None}
    newest = messages[-1]
    whole = understood(newest, GAP.join(map(_text, _runs(parts[number] for number in sorted(parts)))), policy)
    own = newest.features
    features = replace(
        whole.features,
        part_key=own.part_key,
        part_known_as=own.part_known_as,
        part_number=own.part_number,
        part_total=own.part_total,
        part_digest=own.part_digest,
        part_digest_known_as=own.part_digest_known_as,
    )
    return replace(whole, features=features)


def _runs(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Yield stretches of neighbouring parts, an empty one in front where the first parts are missing."""
    run: list[Part] = []
    number = 0
    total = 0
    for part in parts:
        if part.number != number + 1:
            yield run
            run = []
        run.append(part)
        number, total = part.number, part.total
    yield run
    if number < total:
        yield []


def _text(run: Sequence[Part]) -> str:
    if not run:
        return ""
    named: Format = next((name for name in get_args(Format) if name == run[0].format), "binary")
    return decode(b"".join(part.bytes for part in run), named).text or ""
