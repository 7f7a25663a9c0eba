"""Shapes that several records share."""

from datetime import datetime
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from schemas import enums
from schemas.fields import about

Time = Annotated[datetime, Meta(tz=True)]
"""An aware time; RFC 3339 with offset on the wire."""


class Record(Struct, frozen=True, kw_only=True):
    """Base of every record; each names `frozen` and `kw_only` itself, since msgspec inherits only the first."""


class Party(Record, frozen=True, kw_only=True):
    """联系人: somebody who sends or receives: a phone number, mail address, openid, uid or only a name."""

    kind: Annotated[str, about("What `value` is", "联系方式类型", words=enums.PARTY_KINDS)]
    value: Annotated[str, about("The number, address or id, as received", "联系方式", pii=1)]
    name: Annotated[str | None, about("Display name", "显示名称", pii=1)] = None


class Finding(Record, frozen=True, kw_only=True):
    """识别结果: one thing understood about one message, with its evidence."""

    kind: Annotated[str, about("What was found: emergency, request_kind, category, place ...", "结果类型")]
    value: Annotated[str, about("The finding's value or code", "结果值", pii=1, index="none")]
    score: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")] = 1.0
    span: Annotated[
        tuple[int, int] | None, about("Start and end in `text`, in characters", "依据位置", index="none")
    ] = None
    title_span: Annotated[
        tuple[int, int] | UnsetType,
        about("Start and end in `title`, in characters, of what is told there", "标题中的依据位置", index="none"),
    ] = UNSET
    source: Annotated[str, about("Who found it", "结果来源", words=enums.DECIDED_BY)] = "rule"
    version: Annotated[str, about("Version of the rule or model", "规则或模型版本")] = "1"


class Attachment(Record, frozen=True, kw_only=True):
    """附件: a file that came with a message; its bytes lie in the blob store under `dataref`."""

    id: Annotated[str, about("Number in the message, or the channel's media id or address", "附件编号", pii=1)]
    name: Annotated[str | None, about("File name as sent, without any path", "文件名", pii=1, index="none")] = None
    media_type: Annotated[str, about("IANA media type", "文件类型")] = "application/octet-stream"
    size: Annotated[int | None, about("Bytes; null while not fetched", "文件大小", index="long")] = None
    sha256: Annotated[str | None, about("SHA-256 of the bytes", "摘要值", pii=1)] = None
    dataref: Annotated[
        str | None, about("Path in the blob store; null while not fetched", "存储路径", pii=1, index="none")
    ] = None
    unavailable: Annotated[
        str | None, about("Why its bytes will never come; null otherwise", "无法取得原因", words=enums.UNAVAILABLE)
    ] = None


_SPANS = "Evidence: start and end, in characters, in title + LF + text (in the text alone when there is no title)"


class Emergency(Record, frozen=True, kw_only=True):
    """紧急情况: an emergency seen in a message."""

    classes: Annotated[tuple[str, ...], about("What is the matter", "紧急类别", words=enums.EMERGENCY_CLASSES)]
    level: Annotated[str, about("How bad; `mentioned` is negated or past", "紧急级别", words=enums.EMERGENCY_LEVELS)]
    spans: Annotated[tuple[tuple[int, int], ...], about(_SPANS, "依据位置", index="none")] = ()
    score: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")] = 1.0
    stale: Annotated[bool, about("Older than 24 h when taken in: alarms nobody", "已过时", index="boolean")] = False


class Edge(Record, frozen=True, kw_only=True):
    """工单关系: one relation to another ticket; the tickets themselves stay apart."""

    ticket_id: Annotated[str, about("The other ticket", "另一工单")]
    kind: Annotated[str, about("Which relation: 并单, 同一事件 or 关联", "关系类型", words=enums.EDGE_KINDS)]
    score: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")] = 1.0


class TicketVersion(Record, frozen=True, kw_only=True):
    """工单版本: the version a decision gave a ticket."""

    ticket_id: Annotated[str, about("The ticket", "工单标识")]
    version: Annotated[int, about("Its version after the decision", "版本", index="long")]


class InputRef(Record, frozen=True, kw_only=True):
    """输入: the input that a decision answers, and where it stood."""

    message_id: Annotated[str | None, about("The message", "来件标识")] = None
    command_id: Annotated[str | None, about("Or the command", "指令编号")] = None
    topic: Annotated[str, about("Topic of the input", "主题")]
    partition: Annotated[int, about("Partition of the input", "分区", index="long")]
    offset: Annotated[int, about("Offset of the input", "偏移量", index="long")]
    appended_at: Annotated[
        Time | UnsetType,
        about("When the broker took it, of what had waited before (a flood, a journal)", "入队时间", index="date"),
    ] = UNSET
