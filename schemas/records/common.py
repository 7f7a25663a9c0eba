"""Shapes that several records share."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from schemas.fields import about

Time = Annotated[datetime, Meta(tz=True)]
"""An aware time; RFC 3339 with offset on the wire."""


class Record(Struct, frozen=True, kw_only=True):
    """Base of every record; each names `frozen` and `kw_only` itself, since msgspec inherits only the first."""


class Party(Record, frozen=True, kw_only=True):
    """Somebody who sends or receives: a phone number, mail address, openid, uid or only a name."""

    kind: Annotated[str, about("phone, email, openid, uid or name")]
    value: Annotated[str, about("The number, address or id, as received", pii=1)]
    name: Annotated[str | None, about("Display name", pii=1)] = None


class Finding(Record, frozen=True, kw_only=True):
    """One thing understood about one message, with its evidence."""

    kind: Annotated[str, about("What was found: emergency, request_kind, category, place ...")]
    value: Annotated[str, about("The finding's value or code", pii=1, index="none")]
    score: Annotated[float, about("0 to 1", index="double")] = 1.0
    span: Annotated[tuple[int, int] | None, about("Start and end in `text`, in characters", index="none")] = None
    source: Annotated[str, about("rule, model or channel")] = "rule"
    version: Annotated[str, about("Version of the rule or model")] = "1"


class Attachment(Record, frozen=True, kw_only=True):
    """A file that came with a message; its bytes lie in the blob store under `dataref`."""

    id: Annotated[str, about("Number in the message, or the channel's media id")]
    name: Annotated[str | None, about("File name as sent, without any path", pii=1, index="none")] = None
    media_type: Annotated[str, about("IANA media type")] = "application/octet-stream"
    size: Annotated[int | None, about("Bytes; null while not fetched", index="long")] = None
    sha256: Annotated[str | None, about("Digest of the bytes")] = None
    dataref: Annotated[str | None, about("Path in the blob store; null while not fetched", index="none")] = None


_SPANS = "Evidence: start and end, in characters, in title + LF + text (in the text alone when there is no title)"


class Emergency(Record, frozen=True, kw_only=True):
    """An emergency seen in a message (domain.md B5)."""

    classes: Annotated[tuple[str, ...], about("police, fire, medical, traffic, self_harm, missing_person ...")]
    level: Annotated[str, about("critical, urgent or mentioned (negated or past)")]
    spans: Annotated[tuple[tuple[int, int], ...], about(_SPANS, index="none")] = ()
    score: Annotated[float, about("0 to 1", index="double")] = 1.0
    stale: Annotated[bool, about("Older than 24 h when taken in: alarms nobody", index="boolean")] = False


class Edge(Record, frozen=True, kw_only=True):
    """One relation to another ticket; the tickets themselves stay apart."""

    ticket_id: Annotated[str, about("The other ticket")]
    kind: Annotated[str, about("merged, cluster or related")]
    score: Annotated[float, about("0 to 1", index="double")] = 1.0
