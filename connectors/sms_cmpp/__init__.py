"""CMPP 2.0 and 3.0 (中国移动短信网关): the session of one SP account, and the sender of its replies."""

from connectors.sms_cmpp.connector import Cmpp
from connectors.sms_cmpp.settings import CmppSettings
from connectors.sms_cmpp.submit import CmppSender

__all__ = ["Cmpp", "CmppSender", "CmppSettings"]
