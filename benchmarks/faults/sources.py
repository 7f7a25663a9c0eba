"""The sources: numbered mails, signed WeChat posts, short messages, and what is planted among them."""

import smtplib
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.message import EmailMessage
from random import Random

from hotline.dev.demo.smsc import Sms as Part
from hotline.dev.demo.smsc import Smsc
from hotline.dev.demo.wechat_api import WeChatApi
from hotline.dev.demo.wechat_platform import WeChatPlatform
from tests.peers.dovecot import Dovecot, missing

ONE_PART_BYTES, PART_BYTES = 140, 134
MOST_WAITING = 500
MOST_ATTEMPTS, RETRY_SECONDS = 20, 0.5
"""Of a delivery by LMTP."""

SHARES = {"mailbox": 3, "wechat": 5, "sms": 2}
"""Of the messages, by channel."""

CITIES = ("110000", "310000", "440100", "210100")
"""Four, so that every worker of a stage has something to do."""

TOKEN, APPID, SECRET = "hotlinefaulttoken", "wxfault{city}", "app-secret"
AES_KEY = "hotlineFaultEncodingAESKeyForLoopbackOnly12"

ACCOUNTS = {"mailbox": "city{}", "wechat": "w{}", "sms": "sms{}"}
"""Ids of our accounts by channel, for a city."""

MARK = "hb{:08d}"
"""Stands in every message: found again in topics, tickets and dead letters."""

_ROADS = "中山 解放 人民 建设 和平 胜利 光明 友谊 团结 新华 文化 青年 长江 黄河 泰山 昆仑"
_THINGS = "路灯 井盖 水管 电梯 垃圾桶 围墙 红绿灯 护栏 公交站牌 下水道 健身器材 消火栓"


class Numbered:
    """What is sent: number, channel, city, text, and what becomes of it.

    `first` is the message whose ticket it belongs to: itself, or an earlier one of the same citizen. `marks` of a first
    message are its own and those of the citizen's later ones. `beside` is one of
    another citizen about the same matter: two tickets of one cluster.
    """

    def __init__(
        self, number: int, seed: int, cities: Sequence[str] = CITIES, channels: Sequence[str] = tuple(SHARES)
    ) -> None:
        dice = Random(f"{seed}-{number}")
        self.number = number
        self.mark = MARK.format(number)
        self.city = cities[number % len(cities)]
        self.channel = dice.choices(channels, [SHARES[name] for name in channels])[0]
        self.is_urgent = number % 101 == 7
        self.is_poison = self.channel == "wechat" and not self.is_urgent and number % 97 == 5
        self.is_large = self.channel == "mailbox" and number % 61 == 3
        self.is_spoken = self.channel == "wechat" and not self.is_poison and number % 9 == 2
        self.parts = 2 if self.channel == "sms" and not self.is_urgent and number % 7 == 2 else 1
        self.is_forgotten = number % 41 == 13 and self.parts == 1 and not (self.is_poison or self.is_urgent)
        place = f"{dice.choice(_ROADS.split())}路{number}号"
        told = f"{place}着火了，有人困在里面" if self.is_urgent else f"{place}门前的{dice.choice(_THINGS.split())}坏了"
        self.text = f"{told}，请派人来看看。受理码 {self.mark}"
        if self.parts == 2:
            self.text = f"{self.mark} {told}，{'已经反映过多次，至今没有人来，' * 4}请尽快处理。{self.mark}"
        self.sender = f"c{number}"
        self.phone = f"86138{number:08d}"
        self.first: Numbered = self
        self.marks = {self.mark}
        self.beside: Numbered | None = None
        self.answers: str | None = None
        self.is_ordered = False
        self.address = {"mailbox": f"{self.sender}@example.cn", "sms": self.phone}.get(self.channel, self.sender)

    @property
    def is_plain(self) -> bool:
        """Say whether nothing else is special about it."""
        special = self.is_urgent or self.is_poison or self.is_large or self.is_spoken or self.is_forgotten
        return self.parts == 1 and not special

    def follow_up(self, first: "Numbered") -> None:
        """Become the citizen's answer in the thread of an earlier mail."""
        self._of_the_same(first)
        self.answers = first.mark
        self.text = f"{self.mark} 还没有人来，请尽快处理。"

    def repeat(self, first: "Numbered") -> None:
        """Become the same words of the same citizen, sent once more."""
        self._of_the_same(first)
        self.text = first.text.replace(first.mark, self.mark)

    def join(self, other: "Numbered") -> None:
        """Become a neighbour's message about the same matter."""
        self.beside = other
        self.text = other.text.replace(other.mark, self.mark)

    def _of_the_same(self, first: "Numbered") -> None:
        self.first = first
        first.marks.add(self.mark)
        self.sender, self.phone, self.address = first.sender, first.phone, first.address

    @property
    def account(self) -> str:
        """Return which account of ours it is written to."""
        return ACCOUNTS[self.channel].format(self.city)


def numbered(count: int, seed: int, cities: Sequence[str] = CITIES) -> Iterator[Numbered]:
    """Yield the messages of a run, in the order in which they are sent."""
    return (Numbered(number, seed, cities) for number in range(count))


def left_out() -> dict[str, str]:
    """Return the channels that this machine cannot play, and what it lacks."""
    lacking = missing()
    return {"mailbox": lacking} if lacking else {}


def crowd(count: int, seed: int, cities: Sequence[str] = CITIES) -> list[Numbered]:
    """Return the messages of a run; some citizens write more than once, and a clerk gives orders about some tickets.

    Each matter is taken up once at most, by what comes soon after it: follow-up, repeat, neighbour or orders.
    """
    channels = [name for name in SHARES if name not in left_out()]
    sent = [Numbered(number, seed, cities, channels) for number in range(count)]
    waiting: defaultdict[tuple[str, str], list[Numbered]] = defaultdict(list)
    for message in filter(lambda one: one.is_plain, sent):
        earlier = waiting[message.channel, message.city]
        how = Random(f"{seed}-{message.number}-how").randrange(10)
        if how < 5 and earlier:
            takes_up = message.follow_up if message.channel == "mailbox" and how < 2 else message.repeat
            (message.join if how == 4 else takes_up)(earlier.pop())
        elif how == 5:
            message.is_ordered = True
        else:
            earlier.append(message)
    return sent


class Mailboxes:
    """One mailbox for each city, filled by LMTP."""

    def __init__(self, server: Dovecot) -> None:
        self._server = server

    @staticmethod
    def users(cities: Sequence[str]) -> dict[str, str]:
        """Return the accounts and passwords that the server needs."""
        return {f"city{city}": "secret" for city in cities}

    def send(self, message: Numbered) -> None:
        """Deliver one mail, as a mail server does: again when the line ends, unless it lies in the mailbox by then."""
        mail = EmailMessage()
        mail["From"] = message.address
        mail["To"] = "szxx@12345.example"
        mail["Subject"] = f"反映 {message.mark}"
        mail["Message-ID"] = f"<{message.mark}@example.cn>"
        if message.answers:
            mail["In-Reply-To"] = f"<{message.answers}@example.cn>"
        mail.set_content(message.text + ("\n" + "详情见附件。" * 60_000 if message.is_large else ""))
        user = f"city{message.city}"
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return self._server.deliver(bytes(mail), user)
            except (smtplib.SMTPServerDisconnected, ConnectionError):
                if self._server.doveadm("search", "-u", user, "header", "message-id", mail["Message-ID"]):
                    return None
                if attempt == MOST_ATTEMPTS:
                    raise
                time.sleep(RETRY_SECONDS)
        return None


class WeChat:
    """One account for each city; the platform repeats until the receiver says that it has the message.

    What is spoken comes as text, and its sound is to be fetched of `api` by the media id, which is the mark.
    """

    def __init__(self, url: str, cities: Sequence[str], api: WeChatApi, stop: threading.Event) -> None:
        self._api, self._stop = api, stop
        self._platforms = {
            city: WeChatPlatform(f"{url}/wechat/{city}", TOKEN, AES_KEY, APPID.format(city=city)) for city in cities
        }

    def send(self, message: Numbered) -> None:
        """Push one message, and push it again as long as nobody takes it."""
        kind, said = "text", f"<Content><![CDATA[{message.text}]]></Content>"
        if message.is_spoken:
            self._api.media[message.mark] = (f"#!AMR {message.mark}".encode(), "audio/amr")
            kind, said = "voice", f"<Recognition><![CDATA[{message.text}]]></Recognition>"
            said += f"<MediaId>{message.mark}</MediaId><Format>amr</Format>"
        xml = (
            f"<xml><ToUserName>gh_1</ToUserName><FromUserName>{message.sender}</FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[{kind}]]></MsgType>"
            f"{said}<MsgId>{2412300000000000 + message.number}</MsgId></xml>"
        )
        if message.is_poison:
            xml = f"<xml><ToUserName>gh_1</ToUserName><Content>残缺 {message.mark} "
        while self._platforms[message.city].push(xml) != 200:
            if self._stop.wait(0.5):
                return


class Sms:
    """An SMSC (smpp34's) with one bind for each city; it keeps a message until the bind has acknowledged it."""

    def __init__(self, centres: Mapping[str, Smsc], stop: threading.Event) -> None:
        self._centres, self._stop = centres, stop

    def send(self, message: Numbered) -> None:
        """Hand one message, in one part or two, to the centre of its city."""
        centre = self._centres[message.city]
        while centre.waiting > MOST_WAITING and not self._stop.wait(0.05):
            pass
        sender, data = message.phone, message.text.encode("utf-16-be")
        if len(data) <= ONE_PART_BYTES:
            centre.deliver(Part(sender=sender, data=data))
            return
        parts = [data[at : at + PART_BYTES] for at in range(0, len(data), PART_BYTES)]
        for part, piece in enumerate(parts, 1):
            header = bytes((5, 0, 3, message.number % 256, len(parts), part))
            centre.deliver(Part(sender=sender, data=header + piece, headed=True))


class Crowd(threading.Thread):
    """Sends its share of the messages at a pace; what is sent once is sent whatever happens meanwhile."""

    def __init__(self, messages: list[Numbered], send: Callable[[Numbered], None], rate: float) -> None:
        super().__init__(daemon=True)
        self._messages, self._send, self._rate = messages, send, rate
        self.sent = 0
        self.begun: dict[int, float] = {}
        """When each number was first sent, in seconds since 1970."""
        self.fault: Exception | None = None

    def run(self) -> None:
        """Send all of them."""
        began = time.monotonic()
        try:
            for message in self._messages:
                early = began + self.sent / self._rate - time.monotonic()
                if early > 0:
                    time.sleep(early)
                self.begun[message.number] = time.time()
                self._send(message)
                self.sent += 1
        except Exception as fault:  # noqa: BLE001 - told in the report
            self.fault = fault
