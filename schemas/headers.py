"""The Kafka headers as other systems see them: each attribute of the envelope, and the reasons of a dead letter."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from schemas.envelope import Envelope, header_of
from schemas.errors import ERROR_CODES
from schemas.fields import X_WORDS
from schemas.records.dead_letter import MOVED, PREFIX, REPLAYS
from schemas.topics import CHANNELS


class Told(NamedTuple):
    """What is said of a header, in 中文 and English."""

    chinese: str
    english: str


ATTRIBUTES: Mapping[str, Told] = {
    "id": Told("事件标识", "Names the record within its source; with ce_source the key of idempotency (幂等键)"),
    "source": Told("事件来源", "Who speaks: /hotline/<channel or stage>/<account or city>"),
    "type": Told("事件类型", "cn.hotline12345.<record>.v1; the major version is also the topic's"),
    "time": Told("发生时间", "When it happened, RFC 3339 with offset"),
    "recordedtime": Told("接入时间", "When hotline took it in, RFC 3339 with offset"),
    "specversion": Told("规范版本", "CloudEvents 1.0"),
    "datacontenttype": Told("内容类型", "What the value is; of raw records what the bytes as they came are"),
    "subject": Told("工单编号", "Official number of the ticket"),
    "dataschema": Told("数据结构", "urn:hotline:<record>:<version of the shape>"),
    "jurisdiction": Told("行政区划代码", "Adcode of the city"),
    "channel": Told("诉求来源", f"{', '.join(CHANNELS[:-1])} or {CHANNELS[-1]}"),
    "channelkind": Told("来件方式", "The finer kind of channel"),
    "account": Told("受理账号", "Our mailbox, appid or service number"),
    "sender": Told("诉求人", "Who wrote, as the transport says (personal data)"),
    "sha256": Told("摘要值", "SHA-256 of the bytes"),
    "wiresha256": Told("传输摘要值", "SHA-256 of what came over the wire, where that was encrypted"),
    "dataref": Told("存储路径", "Path in the blob store; the value is empty then (claim check)"),
    "sequence": Told("版本", "Version of the record, ten digits: the greater one is the newer one"),
    "correlationid": Told("工单标识", "The ticket it belongs to"),
    "causationid": Told("起因标识", "The input that caused it"),
    "traceparent": Told("链路追踪标识", "W3C trace context under which the message began; no hop changes it"),
    "notbefore": Told(
        "不早于", "By our own clock, where a connector can tell: it was not there yet when we looked at this time"
    ),
    "first": Told("首次发布", "true: nothing was written of this ticket before, though its version is not the first"),
    "foldedinto": Told(
        "并入来件", "Message of the same address whose hand-over rings for this one's, beyond the pace of urgent posts"
    ),
    "hop": Told("本段链路追踪标识", "W3C trace context of this very hop"),
}
"""Each attribute of the envelope, by its name in CloudEvents."""

REASONS: Mapping[str, Told] = {
    f"{PREFIX}topic": Told("原主题", "Topic of the original record"),
    f"{PREFIX}partition": Told("原分区", "Partition of the original record"),
    f"{PREFIX}offset": Told("原偏移量", "Offset of the original record"),
    f"{PREFIX}stage": Told("环节", "Where it failed"),
    f"{PREFIX}class.name": Told("组件", "What failed; the stage again"),
    f"{PREFIX}exception.class.name": Told("异常类型", "Name of the exception"),
    f"{PREFIX}exception.message": Told("原因", "Why, without personal data"),
    "hotline.error.code": Told("错误代码", "Why, as a code"),
    "hotline.error.retryable": Told("可重试", "true or false: whether the same record may succeed later"),
    "hotline.error.attempt": Told("尝试次数", "How often it was tried"),
    REPLAYS: Told("重放次数", "How often it was replayed"),
    MOVED: Told("已移存", "The value was moved to the blob store, because the reasons left it no room"),
    "hotline.error.pipeline.version": Told("程序版本", "Version of hotline that refused it"),
}
"""What a dead letter adds to the original headers; Kafka Connect's names, so that existing tools read them."""

_MORE: Mapping[str, dict[str, Any]] = {
    "ce_time": {"format": "date-time"},
    "ce_recordedtime": {"format": "date-time"},
    "ce_notbefore": {"format": "date-time"},
    "ce_channel": {X_WORDS: list(CHANNELS)},
    "hotline.error.code": {X_WORDS: list(ERROR_CODES)},
}
"""What some of them are beside text."""


def envelope() -> dict[str, Any]:
    """Return the JSON Schema of every record's headers."""
    fields = msgspec.structs.fields(Envelope)
    required = sorted(header_of(field.name) for field in fields if field.required or field.name == "specversion")
    told = {header_of(name): said for name, said in ATTRIBUTES.items()}
    return _schema("Envelope", "信封: the CloudEvents attributes of a record, as Kafka headers.", told, required)


def dead_letter() -> dict[str, Any]:
    """Return the JSON Schema of a dead letter's own headers; the original's stand before them."""
    return _schema(
        "DeadLetter", "死信: why a record could not be processed.", REASONS, sorted(REASONS.keys() - {MOVED})
    )


def _schema(title: str, about: str, told: Mapping[str, Told], required: list[str]) -> dict[str, Any]:
    properties = {
        name: {"title": said.chinese, "description": said.english, "type": "string"} for name, said in told.items()
    }
    for name in properties.keys() & _MORE.keys():
        properties[name] |= _MORE[name]
    return {"title": title, "description": about, "type": "object", "properties": properties, "required": required}
