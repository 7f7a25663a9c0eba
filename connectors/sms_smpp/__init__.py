"""SMS over SMPP 3.4: a session of our own over smpplib's codec, for what citizens send and for what is answered."""

from connectors.sms_smpp.connector import SmsSmpp
from connectors.sms_smpp.settings import SmppSettings

__all__ = ["SmppSettings", "SmsSmpp"]
