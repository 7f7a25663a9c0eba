"""Who plays in the demo: one line for each channel."""

from collections.abc import Callable

from hotline.demo.mailbox import MailboxPlayer
from hotline.demo.sms_smpp import SmppPlayer
from hotline.demo.stage import Player, Stage
from hotline.demo.web import WebPlayer
from hotline.demo.wechat import WeChatPlayer

PLAYERS: tuple[Callable[[Stage], Player], ...] = (
    MailboxPlayer,
    WeChatPlayer,
    SmppPlayer,
    WebPlayer,
)
