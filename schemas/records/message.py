"""Message: one citizen's message, understood; input of `assign`."""

from typing import Annotated

from msgspec import field

from schemas.fields import about
from schemas.records.common import Attachment, Emergency, Finding, Party, Record, Time


class Thread(Record, frozen=True, kw_only=True):
    """What the channel says of the conversation."""

    message_id_header: Annotated[str | None, about("Message-ID of a mail", pii=1)] = None
    references: Annotated[tuple[str, ...], about("In-Reply-To and References, oldest first", pii=1)] = ()
    token: Annotated[str | None, about("Signed ticket token found in the message")] = None
    quoted_ticket_nos: Annotated[tuple[str, ...], about("Official numbers quoted in the text")] = ()
    reply_to: Annotated[str | None, about("Where an answer should go, if not to the sender", pii=1)] = None


class Part(Record, frozen=True, kw_only=True):
    """A part of a long SMS, as bytes: joined first, decoded then."""

    reference: Annotated[str, about("Reference number of the concatenated message")]
    total: Annotated[int, about("How many parts", index="long")]
    number: Annotated[int, about("1 to total", index="long")]
    format: Annotated[str, about("Coding of the bytes")]
    bytes: Annotated[bytes, about("Base64 of the part's bytes", pii=2, index="none")]


class Features(Record, frozen=True, kw_only=True):
    """All that `decide` sees of a message: no personal text."""

    message_class: Annotated[str, about("As in the message", index="none")] = field(default="person", name="class")
    text_key: Annotated[str | None, about("Keyed digest of title, text and attachments, folded", index="none")] = None
    grams: Annotated[tuple[int, ...], about("Hashed 3-grams, 32 bits, sorted, at most 256", index="none")] = ()
    names: Annotated[tuple[str, ...], about("Hashed pairs of characters of the names in its head", index="none")] = ()
    places: Annotated[tuple[str, ...], about("Those of them that name a place", index="none")] = ()
    objects: Annotated[tuple[str, ...], about("Hashed object words of its head", index="none")] = ()
    numbers: Annotated[tuple[str, ...], about("Hashed number words of its head", index="none")] = ()
    areas: Annotated[tuple[str, ...], about("Cities and districts of its head: level, hash", index="none")] = ()
    text_names: Annotated[
        tuple[str, ...], about("Places and numbers of the text behind, as `names`", index="none")
    ] = ()
    text_objects: Annotated[tuple[str, ...], about("Object words of the text behind", index="none")] = ()
    requesters: Annotated[tuple[str, ...], about("Keyed hashes of who asks", index="none")] = ()
    contacts: Annotated[tuple[str, ...], about("Keyed hashes of contact details in the text", index="none")] = ()
    participants: Annotated[tuple[str, ...], about("Keyed hashes of the other people in the thread", index="none")] = ()
    message_key: Annotated[str | None, about("Hash of the message's own thread id", index="none")] = None
    threads: Annotated[tuple[str, ...], about("Hashes of the thread ids it answers, nearest first", index="none")] = ()
    token: Annotated[str | None, about("Ticket that a token signed by us names", index="none")] = None
    claimed: Annotated[str | None, about("Ticket that a token without our signature names", index="none")] = None
    ticket_nos: Annotated[tuple[str, ...], about("Official numbers it quotes", index="none")] = ()
    part_key: Annotated[str | None, about("Hash of sender, destination, format, reference, total", index="none")] = None
    part_number: Annotated[int | None, about("Which part it is", index="none")] = None
    part_total: Annotated[int | None, about("Of how many", index="none")] = None
    part_digest: Annotated[str | None, about("Keyed digest of the part's bytes", index="none")] = None
    codes: Annotated[tuple[str, ...], about("Codes of the findings", index="none")] = ()


class RawRef(Record, frozen=True, kw_only=True):
    """Where the raw bytes of a message are."""

    topic: Annotated[str | None, about("Raw topic", index="none")] = None
    partition: Annotated[int | None, about("Partition", index="none")] = None
    offset: Annotated[int | None, about("Offset", index="none")] = None
    sha256: Annotated[str, about("Digest of the raw bytes")]
    dataref: Annotated[str | None, about("Path in the blob store, for large bodies", index="none")] = None


class Message(Record, frozen=True, kw_only=True):
    """One message of one citizen, from any channel."""

    message_id: Annotated[str, about("消息标识: 26 base32 characters of source and id")]
    source: Annotated[str, about("ce_source: /hotline/<channel>/<account>")]
    id: Annotated[str, about("ce_id: the source's own name of the message", pii=1)]
    channel: Annotated[str, about("诉求来源")]
    channel_kind: Annotated[str, about("渠道: the finer kind")]
    account: Annotated[str, about("受理账号: the id that the settings give our mailbox, appid or service number")]
    jurisdiction: Annotated[str, about("行政区划代码 (adcode) of the city")]
    received_at: Annotated[Time, about("来件时间: when the citizen sent it, as the transport says", index="date")]
    ingested_at: Annotated[Time, about("接入时间: when we took it", index="date")]
    message_class: Annotated[str, about("person, auto_reply, bounce, list, calendar, event or unsupported")] = "person"
    sender: Annotated[Party | None, about("诉求人", index="object")] = None
    recipients: Annotated[tuple[Party, ...], about("To and Cc", pii=1, index="object")] = ()
    thread: Annotated[Thread, about("Conversation", index="object")] = field(default_factory=Thread)
    part: Annotated[Part | None, about("Part of a long SMS", index="none")] = None
    title: Annotated[str | None, about("标题", pii=1, index="words")] = None
    text: Annotated[str, about("诉求内容, as written; at most 64 KiB", pii=2, index="words")] = ""
    search_text: Annotated[str, about("Title and text, folded for search", pii=2, index="text")] = ""
    quoted: Annotated[str | None, about("Quoted earlier text, split off", pii=2, index="words")] = None
    signature: Annotated[str | None, about("Signature, split off", pii=1, index="none")] = None
    attachments: Annotated[tuple[Attachment, ...], about("附件", index="object")] = ()
    findings: Annotated[tuple[Finding, ...], about("What was understood", index="object")] = ()
    features: Annotated[Features, about("What decide() sees", index="none")] = field(default_factory=Features)
    emergency: Annotated[Emergency | None, about("紧急", index="object")] = None
    raw: Annotated[RawRef, about("原始记录", index="object")]
    normalizer_version: Annotated[int, about("Version of the normalizers; the index version", index="long")]
    trace: Annotated[str | None, about("W3C traceparent under which the message began", index="none")] = None
    extra: Annotated[dict[str, str], about("Fields of an import that have no place here", pii=2, index="none")] = field(
        default_factory=dict
    )
