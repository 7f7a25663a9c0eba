"""Who plays in the demo: one line for each channel."""

from collections.abc import Callable

from hotline.demo.mailbox import MailboxPlayer
from hotline.demo.phone import PhonePlayer
from hotline.demo.sms_cmpp import CmppPlayer
from hotline.demo.sms_http import WebhookPlayer
from hotline.demo.sms_smpp import SmppPlayer
from hotline.demo.stage import Player, Stage
from hotline.demo.web import WebPlayer
from hotline.demo.wechat import WeChatPlayer
from hotline.demo.wecom import WeComPlayer
from hotline.demo.weibo import WeiboPlayer

PLAYERS: tuple[Callable[[Stage], Player], ...] = (
    MailboxPlayer,
    WeChatPlayer,
    WeComPlayer,
    SmppPlayer,
    CmppPlayer,
    WebhookPlayer,
    WeiboPlayer,
    PhonePlayer,
    WebPlayer,
)
