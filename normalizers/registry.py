"""The normalizer of each channel."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from normalizers import mail, mapped_webhook, phone, record, sms, web, wechat, weibo
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


def normalizer_of(raw: RawMessage) -> Normalizer | None:
    """Return the normalizer of a record: that of its channel, or of the profile that its content type names."""
    return mapped_webhook.normalize if mapped_webhook.is_mapped(raw) else NORMALIZERS.get(raw.channel)
