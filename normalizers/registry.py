"""The normalizer of each channel."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from normalizers import mail, phone, record, sms, web, wechat, weibo
from normalizers.base import Draft, Policy
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
