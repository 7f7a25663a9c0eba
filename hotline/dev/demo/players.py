"""Who plays in the demo: one line for each channel."""

from collections.abc import Callable

from hotline.dev.demo.mailbox import MailboxPlayer
from hotline.dev.demo.phone import PhonePlayer
from hotline.dev.demo.sms_cmpp import CmppPlayer
from hotline.dev.demo.sms_http import WebhookPlayer
from hotline.dev.demo.sms_smpp import SmppPlayer
from hotline.dev.demo.stage import Player, Stage
from hotline.dev.demo.web import WebPlayer
from hotline.dev.demo.wechat import WeChatPlayer
from hotline.dev.demo.wecom import WeComPlayer
from hotline.dev.demo.weibo import WeiboPlayer

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
