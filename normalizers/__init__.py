"""Bytes to messages: pure functions of one raw record and a policy; no clock, no network, no logger."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from normalizers import mail, phone, record, sms, web, wechat, weibo
from normalizers.base import Draft, Policy
from normalizers.pipeline import Blob, Normalized, alarming, normalize
from schemas.records import RawMessage

Normalizer = Callable[[RawMessage, Policy], Draft]
"""What one channel adds: its bytes understood; raises only RecordError."""

NORMALIZERS: Mapping[str, Normalizer] = MappingProxyType(
    {
        "mailbox": mail.normalize,
        "phone": phone.normalize,
        "sms": sms.normalize,
        "wechat": wechat.normalize,
        "weibo": weibo.normalize,
        "web": web.normalize,
        "record": record.normalize,
    }
)
"""Every channel that can be understood; its key is the channel's name."""

__all__ = ["NORMALIZERS", "Blob", "Normalized", "Normalizer", "Policy", "alarming", "normalize"]
