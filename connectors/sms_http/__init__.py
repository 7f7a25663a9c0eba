"""SMS through a gateway's webhook: Twilio, Aliyun (阿里云), Tencent (腾讯云) and Kannel."""

from connectors.sms_http.connector import SmsHttp
from connectors.sms_http.settings import SmsHttpSettings

__all__ = ["SmsHttp", "SmsHttpSettings"]
