"""WeChat (微信公众号, 小程序, 企业微信, 微信客服): callbacks, pulled messages, and the files that came after them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from normalizers.base import Draft, Policy
from normalizers.wechat import callback, kf
from normalizers.wechat import media as late
from schemas.records import RawMessage, media


def normalize(raw: RawMessage, policy: Policy) -> Draft:
    """Return the draft of a callback, of a 微信客服 message, or of a file of an earlier message."""
    read = _BY_CONTENT_TYPE.get(raw.envelope.datacontenttype or "", callback.normalize)
    return read(raw, policy)


_BY_CONTENT_TYPE: Mapping[str, Callable[[RawMessage, Policy], Draft]] = MappingProxyType(
    {media.CONTENT_TYPE: late.normalize, kf.CONTENT_TYPE: kf.normalize}
)

__all__ = ["normalize"]
