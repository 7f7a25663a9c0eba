"""CMPP 2.0 and 3.0 (中国移动短信网关): the session of one SP account, and the sender of its replies."""

from typing import TYPE_CHECKING

from connectors.lazy import lazily
from connectors.sms_cmpp.settings import CmppSettings

if TYPE_CHECKING:
    from connectors.sms_cmpp.connector import Cmpp
    from connectors.sms_cmpp.submit import CmppSender
else:
    __getattr__ = lazily(__name__, Cmpp="connector", CmppSender="submit")

__all__ = ["Cmpp", "CmppSender", "CmppSettings"]
