"""SMS over SMPP 3.4: a session of our own over smpplib's codec, for what citizens send and for what is answered."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.sms_smpp.settings import SmppSettings

if TYPE_CHECKING:
    from connectors.sms_smpp.connector import SmsSmpp
else:
    __getattr__ = lazily(__name__, SmsSmpp="connector")

__all__ = ["SmppSettings", "SmsSmpp"]
