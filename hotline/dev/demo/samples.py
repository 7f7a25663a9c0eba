"""The sample messages: written for this demo, with the mess that real ones bring.

All people, numbers and addresses are invented; `example` domains belong to nobody. Bytes and ids are the same at every
run, so a second demo on the same stack shows that repeats are harmless.
"""

import base64
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from msgspec import Struct

from hotline.dev.demo.wechat_platform import Mode
from schemas.ids import SHANGHAI

OUR_MAILBOX = "szxx@12345.example"

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Mail(Struct, frozen=True, kw_only=True):
    """One mail as the server stores it, and what is worth seeing about it."""

    raw: bytes
    note: str


class Callback(Struct, frozen=True, kw_only=True):
    """One WeChat callback body, how often the platform sends it, and what is worth seeing about it."""

    xml: str
    note: str
    times: int = 1
    mode: Mode = "safe"


def mails() -> tuple[Mail, ...]:
    """Return the mails in the order in which they arrive."""
    first = _lamp()
    photo = _manhole_cover()
    return (
        Mail(raw=first, note="GBK 编码误标为 gb2312 · GBK bytes under a gb2312 label"),
        Mail(raw=photo, note="照片附件，中文文件名 · a photo with a Chinese file name"),
        Mail(raw=photo, note="同一封信投递两次 · the same mail delivered twice"),
        Mail(raw=_heating("周雅琴", "zhou.yaqin@mail.example", 31), note="邻居甲 · the first neighbour"),
        Mail(
            raw=_heating("孟德福", "mengdefu@post.example", 47), note="邻居乙，同样的话 · the second, in the same words"
        ),
        Mail(raw=_bus_stop(), note="Big5 繁体 · Big5, traditional characters"),
        Mail(raw=_again(), note="同一会话的回信 · a reply in the thread"),
        Mail(raw=_on_holiday(), note="自动回复 · an auto-reply"),
    )


def callbacks(now: int) -> tuple[Callback, ...]:
    """Return the WeChat messages in the order in which they are sent; `now` is their CreateTime, in seconds."""
    text = _Account(now).text
    fire = "解放路88号居民楼三楼着火了，冒黑烟，四楼有个老人下不来，快来人啊！！"
    bikes = "万达广场地铁口共享单车堆成山，盲道全占了，推婴儿车根本过不去，麻烦管管🙏"
    thanks = "表扬一下中山路派出所的小陈，昨晚帮我妈找回了走失的狗，太感谢了！"
    lift = "喂你好我想反映一下我们阳光花园七栋的电梯坏了三天了老人上不了楼"
    return (
        Callback(xml=_subscribed("o-lin"), note="关注事件 · somebody follows the account"),
        Callback(xml=text(1, "o-lin", bikes), note="兼容模式 · compatible mode", mode="compatible"),
        Callback(xml=text(2, "o-hao", fire), note="紧急：火情 · an emergency"),
        Callback(xml=text(3, "o-hao", "救护车到了吗？老人被烟呛晕了"), note="平台重发三次 · sent three times", times=3),
        Callback(xml=_Account(now).voice(4, "o-qiu", lift), note="语音转写 · a voice message"),
        Callback(xml=_Account(now).location(5, "o-tao", "中山公园北门"), note="位置 · a place on the map"),
        Callback(xml=text(6, "o-lin", bikes), note="同一人同一事 · the same person, the same matter"),
        Callback(xml=text(7, "o-mei", thanks), note="表扬 · praise"),
        Callback(xml="<xml><ToUserName>gh_12345</ToUserName><Content>半截的消", note="残缺的消息 · a broken one"),
        Callback(xml=text(9, "o-wen", "請問老年人乘車優待證在哪裡辦理？"), note="繁体 · traditional characters"),
    )


def _lamp() -> bytes:
    """A mailer that says gb2312 and writes GBK: 镕 and 喆 are not in GB 2312."""
    text = (
        "市长您好：\r\n\r\n    我是中山路12号的住户。门口那盏路灯坏了快一个星期，晚上黑得伸手不见五指，\r\n"
        "昨天隔壁王喆的奶奶就在台阶上摔了一跤。打过物业电话，说归路灯所管；路灯所又说没接到报修。\r\n"
        "恳请派人来看看，谢谢！\r\n\r\n                              陶镕\r\n"
    )
    headers = (
        f"From: {_word('陶镕', 'gb2312')} <taorong@mail.example>\r\n"
        f"To: {OUR_MAILBOX}\r\n"
        f"Subject: {_word('中山路12号门口路灯坏了，老人摔跤', 'gb2312')}\r\n"
        f"Date: {format_datetime(_at(8, 12))}\r\n"
        "Message-ID: <lamp-1@mail.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=gb2312\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return headers.encode("ascii") + text.encode("gbk")


def _again() -> bytes:
    mail = _mail("陶镕", "taorong@mail.example", "Re: 中山路12号门口路灯坏了，老人摔跤", 16, 40)
    mail["Message-ID"] = "<lamp-2@mail.example>"
    mail["In-Reply-To"] = "<lamp-1@mail.example>"
    mail["References"] = "<lamp-1@mail.example>"
    mail.set_content(
        "今天还是没有人来修。补充一下：是门牌左手边那盏，灯杆编号 ZS-0312。\n\n> 门口那盏路灯坏了快一个星期\n"
    )
    return bytes(mail)


def _manhole_cover() -> bytes:
    mail = _mail("高晓松柏", "gaoxsb@post.example", "建设大街与胜利路交叉口井盖没了！！", 9, 5)
    mail["Message-ID"] = "<cover-1@post.example>"
    mail.set_content("建设大街与胜利路交叉口东南角，下水道井盖丢了，只插了根树枝，晚上骑车很容易掉进去。照片见附件。\n")
    mail.add_alternative(
        "<html><body><p>建设大街与胜利路交叉口东南角，<b>下水道井盖丢了</b>，只插了根树枝，"
        "晚上骑车很容易掉进去。照片见附件。</p></body></html>",
        subtype="html",
    )
    mail.add_attachment(_PIXEL, maintype="image", subtype="png", filename="井盖现场照片.png")
    return _with_fixed_boundaries(mail)


def _heating(name: str, address: str, minute: int) -> bytes:
    mail = _mail(name, address, "阳光花园暖气不热", 9, minute)
    mail["Message-ID"] = f"<heating-{minute}@mail.example>"
    mail.set_content(
        "阳光花园整个小区暖气只有十四五度，孩子写作业手都是冰的。供热站说检修，修了四天了，到底什么时候能好？\n"
    )
    return bytes(mail)


def _bus_stop() -> bytes:
    mail = _mail("張慧雯", "huiwen@mail.example", "建議在市民中心增設公車站牌", 10, 2)
    mail["Message-ID"] = "<busstop-1@mail.example>"
    mail.set_content("您好，市民中心一帶上班的人很多，最近的公車站要走二十分鐘，建議增設站牌，謝謝。\n", charset="big5")
    return bytes(mail)


def _on_holiday() -> bytes:
    mail = _mail("供热公司客服", "service@heating.example", "自动回复：关于阳光花园供热的转办单", 10, 30)
    mail["Message-ID"] = "<auto-1@heating.example>"
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("您好，您的邮件已收到，我们将在三个工作日内回复。本邮件由系统自动发送，请勿直接回复。\n")
    return bytes(mail)


def _mail(name: str, address: str, subject: str, hour: int, minute: int) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((name, address))
    mail["To"] = OUR_MAILBOX
    mail["Subject"] = subject
    mail["Date"] = format_datetime(_at(hour, minute))
    return mail


def _with_fixed_boundaries(mail: EmailMessage) -> bytes:
    """Return the same bytes at every run: a boundary by chance would make another mail of it."""
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=-hotline-{number}")
    return bytes(mail)


def _word(text: str, label: str) -> str:
    """An encoded-word whose bytes are GBK, whatever its label says."""
    return f"=?{label}?B?{base64.b64encode(text.encode('gbk')).decode()}?="


class _Account:
    """Writes callback bodies as the platform does for one official account."""

    def __init__(self, now: int) -> None:
        self._now = now

    def text(self, number: int, openid: str, content: str) -> str:
        return self._message(number, openid, "text", f"<Content><![CDATA[{content}]]></Content>")

    def voice(self, number: int, openid: str, said: str) -> str:
        media = "<MediaId><![CDATA[demo-voice]]></MediaId><Format><![CDATA[amr]]></Format>"
        return self._message(number, openid, "voice", f"{media}<Recognition><![CDATA[{said}]]></Recognition>")

    def location(self, number: int, openid: str, label: str) -> str:
        place = "<Location_X>41.805</Location_X><Location_Y>123.431</Location_Y><Scale>16</Scale>"
        return self._message(number, openid, "location", f"{place}<Label><![CDATA[{label}]]></Label>")

    def _message(self, number: int, openid: str, kind: str, rest: str) -> str:
        return _xml(openid, self._now, kind, f"{rest}<MsgId>{2412345000000000000 + number}</MsgId>")


def _subscribed(openid: str) -> str:
    """An event has no MsgId: its time is part of its id."""
    created = int(_at(8, 0).timestamp())
    return _xml(openid, created, "event", "<Event><![CDATA[subscribe]]></Event>")


def _xml(openid: str, created: int, kind: str, rest: str) -> str:
    return (
        f"<xml><ToUserName><![CDATA[gh_12345]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>{rest}</xml>"
    )


def _at(hour: int, minute: int) -> datetime:
    return datetime(2026, 3, 2, hour, minute, tzinfo=SHANGHAI)
