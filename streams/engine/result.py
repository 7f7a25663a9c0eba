"""Result of one record: an outbound record and its blobs, or a dead letter as large as Kafka accepts."""

import hashlib
from typing import NamedTuple

from msgspec.structs import replace

from normalizers.enrich.annotators import Failure
from normalizers.finalize import Blob
from schemas import ids
from schemas.codec import Inbound, Outbound
from schemas.errors import TooLargeError
from schemas.records import DeadLetter
from schemas.records.dead_letter import MOVED
from schemas.records.raw import INLINE_LIMIT
from storage.paths import RAW
from streams.engine.input import dead_letter


class Result(NamedTuple):
    """Result of one raw record; the blobs are stored before the record is sent."""

    outbound: Outbound
    blobs: tuple[Blob, ...] = ()
    may_wait: bool = False
    failures: tuple[Failure, ...] = ()


def dead(record: Inbound, error: Exception, stage: str, inline_limit: int = INLINE_LIMIT) -> Result:
    """Return the dead letter; with the reasons in its headers, bytes over the limit fit only by reference."""
    letter = dead_letter(record, error, stage)
    if len(letter.value) <= inline_limit:
        return Result(letter.outbound())
    blob = Blob(_path_of(letter), letter.value)
    headers = [*letter.headers, ("ce_dataref", blob.path.encode()), (MOVED, b"true")]
    return Result(replace(letter, value=b"", headers=headers).outbound(), (blob, Blob(f"{blob.path}{RAW}", b"")))


def refused_of(record: Inbound, stage: str) -> Result:
    """Return a dead letter whose bytes are in the blob store; it fits if its headers do."""
    return dead(record, _refusal(), stage, inline_limit=0)


def bare(record: Inbound, stage: str, error: Exception | None = None) -> Result:
    """Return a dead letter without the record's key and headers, which a stranger may have written, but with its
    position.

    Its reason is `error`, or else that Kafka refused the result of the record.
    """
    *_, least = dead_letter(record, error or _refusal(), stage).as_whole_as_fits()
    return Result(least)


def _refusal() -> TooLargeError:
    return TooLargeError("Kafka refuses the result as too large: check max.message.bytes of the topics")


def _path_of(letter: DeadLetter) -> str:
    named = {name: (value or b"").decode(errors="replace") for name, value in letter.headers}
    city = named.get("ce_jurisdiction", "")
    place = "/".join(str(part) for part in letter.position)
    message_id = ids.message_id(named.get("ce_source", letter.stage), named.get("ce_id", place))
    sha256 = hashlib.sha256(letter.value).hexdigest()
    return ids.blob_path(city if city.isalnum() else "unknown", message_id, sha256)
