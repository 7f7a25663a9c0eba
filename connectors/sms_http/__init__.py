"""SMS through a gateway's webhook: Twilio, Aliyun (阿里云), Tencent (腾讯云) and Kannel."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.sms_http.settings import SmsHttpSettings

if TYPE_CHECKING:
    from connectors.sms_http.connector import SmsHttp
else:
    __getattr__ = lazily(__name__, SmsHttp="connector")

__all__ = ["SmsHttp", "SmsHttpSettings"]
