"""What citizens of two cities say at random on every channel, as the normalizers understand it: the same by a seed."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from normalizers.base import Policy
from normalizers.parse import ticket_tokens
from normalizers.pipeline import normalize
from schemas.records import Message, media, raw_message
from schemas.records.media import Media
from tests.tickets.build import CITY, START
from tests.tickets.pieces import parts_of
from tests.tickets.records_of_calls import record as call_record
from tickets.processor import Desk

HERE = Path(__file__).parents[1]
SHA = "ab" * 32

OTHER = "210200"
"""A city whose messages stand in the same partition."""

IMPORTED = frozenset({"letter", "visit", "transfer"})
"""The kinds of neutral records, which tell when their message came."""

_FAR = 1000
"""So far apart are the numbers of what is said in two cities."""


class Citizen(NamedTuple):
    """Somebody by all the names by which a channel may know them; none of these may ever be told to others."""

    name: str
    phone: str
    email: str
    openid: str
    uid: str


CITIZENS = tuple(
    Citizen(name, f"1376452091{n}", f"{mail}@mail.example", f"oWx8k2l1m9n0p{n}", f"778{n}901264")
    for n, (name, mail) in enumerate(
        [("周海燕", "zhouhaiyan"), ("吴国强", "wuguoqiang"), ("郑晓梅", "zhengxiaomei"), ("孙立军", "sunlijun")]
    )
)


def _texts(*names: str) -> list[str]:
    lines = [line for name in names for line in (HERE / name).read_text("utf-8").splitlines()]
    return [text for line in lines for text in line.split("\t")[1:] if text]


MATTERS = _texts("from_life.tsv", "retold.tsv", "incidents.tsv")
DANGERS = (
    "我住中山路十二号三楼，隔壁的厨房着火了，请快一点过来",
    "有人要跳楼，在泰山路8号楼顶，快来",
    "我不想活了，今晚就从桥上跳下去",
    "中山路和泰山路口车祸，有人受伤流血",
)
MINORS = ("我今年13岁，爸爸天天打我，身上都是伤，我不敢回家", "我是初二学生，学校门口的网吧让未成年人通宵上网")
DOOR = "2单元601室"
ENDS = (
    "，请尽快处理", "谢谢", "，已经三天了", "。补充一下，在3号楼", "，我叫{name}，电话{phone}",
    f"，我家住幸福小区5栋{DOOR}", "。不要公开我的姓名",
)  # fmt: skip
SHORT = ("谢谢", "收到", "好的", "催一下", "请问办得怎么样了")


def some_matters(chance: Random) -> list[str]:
    """Return a few matters, so that citizens meet."""
    return [*chance.sample(MATTERS, 6), *chance.sample(DANGERS, 2), chance.choice(MINORS)]


class Citizens:
    """Four citizens who write to one city; what comes in pieces is sent out of order.

    In every city they have the same names, telephones, matters, mails and numbers of calls.
    """

    def __init__(self, chance: Random, matters: list[str], city: str, policy_at: Callable[[datetime], Policy]) -> None:
        self.chance, self.matters, self.city, self.policy_at = chance, matters, city, policy_at
        self.minutes = 0.0
        self.count = 0 if city == CITY else _FAR
        self.late: list[Message] = []
        self.mails: list[str] = []
        self.told: list[str] = []

    def next(self, desk: Desk) -> Message:
        """Return what the desk hears next; some of it answers one of its tickets."""
        self.count += 1
        if self.late and self.chance.random() < 0.5:
            return self._now(self.late.pop(self.chance.randrange(len(self.late))))
        ways: list[Callable[[Desk], Message]] = [
            self._sms, self._long_sms, self._long_sms, self._call, self._call, self._call, self._mail, self._mail,
            self._wechat, self._picture, self._comment, self._form, self._app, self._record, self._machine,
            self._bounce,
        ]  # fmt: skip
        return self._now(self.chance.choice(ways)(desk))

    @property
    def at(self) -> datetime:
        return START + timedelta(minutes=self.minutes)

    @property
    def policy(self) -> Policy:
        return self.policy_at(self.at)

    def _now(self, message: Message) -> Message:
        sent_at = min(message.received_at, self.at) if message.channel_kind in IMPORTED else self.at
        return replace(message, ingested_at=self.at, received_at=sent_at, jurisdiction=self.city)

    def _somebody(self) -> Citizen:
        return self.chance.choice(CITIZENS)

    def _words(self, who: Citizen, desk: Desk) -> str:
        if self.chance.random() < 0.08:
            return self.chance.choice(SHORT)
        text = self.chance.choice(self.matters)
        if self.chance.random() < 0.4:
            text += self.chance.choice(ENDS).format(name=who.name, phone=who.phone)
        if self.chance.random() < 0.1 and desk.state.tickets:
            text += f"，工单{desk.state.tickets[self._ticket(desk)].ticket_no}"
        elif self.chance.random() < 0.05 and desk.state.tickets:
            text += f" {self._ticket_token(desk)}"
        return text

    def _ticket(self, desk: Desk) -> str:
        return self.chance.choice(list(desk.state.tickets)[-6:])

    def _sms(self, desk: Desk) -> Message:
        who = self._somebody()
        (message,) = self._parts(self._words(who, desk), 4000, who)
        return message

    def _long_sms(self, desk: Desk) -> Message:
        who = self._somebody()
        first, *others = self._shuffled(self._parts(self._words(who, desk), self.chance.choice([20, 30, 40]), who))
        if others and self.chance.random() < 0.2:
            others.pop()
        self.late += others
        return first

    def _parts(self, text: str, size: int, who: Citizen) -> list[Message]:
        reference = self.count % 250
        return parts_of(text, size, sender=who.phone, reference=reference, minutes=self.minutes, policy=self.policy)

    def _shuffled(self, messages: list[Message]) -> list[Message]:
        return self.chance.sample(messages, len(messages))

    def _call(self, desk: Desk) -> Message:
        who, told = self._somebody(), {"call_id": self.chance.choice("abcde"), "revision": self.chance.randrange(4)}
        optional: dict[str, tuple[float, Any]] = {
            "caller": (0.7, who.phone),
            "note": (0.5, self._words(who, desk)),
            "transcript": (0.3, f"市民：{self._words(who, desk)}"),
            "recording": (0.3, self.chance.choice(["1.wav", "2.wav"])),
            "started_at": (0.4, (START + timedelta(minutes=self.minutes - self.chance.choice([0, 5, 60]))).isoformat()),
        }
        told |= {name: value for name, (often, value) in optional.items() if self.chance.random() < often}
        return call_record(self.count, told, self.minutes, policy=self.policy)

    def _mail(self, desk: Desk) -> Message:
        """A mail, perhaps an answer in a thread or to our receipt, perhaps to two of our mailboxes."""
        who = self._somebody()
        letter = EmailMessage()
        letter["From"], letter["To"] = f"{who.name} <{who.email}>", "mayor@12345.example"
        letter["Subject"] = self._token(desk) if self.chance.random() < 0.2 else "市长信箱"
        letter["Message-ID"] = f"<{self.count % _FAR}@mail.example>"
        if self.mails and self.chance.random() < 0.5:
            letter["In-Reply-To"] = self.chance.choice(self.mails)
        self.mails.append(str(letter["Message-ID"]))
        letter.set_content(self._words(who, desk), charset="utf-8")
        if self.chance.random() < 0.3:
            letter.add_attachment(b"\xff\xd8", maintype="image", subtype="jpeg", filename=f"{self.count % 3}.jpg")
        if self.chance.random() < 0.3:
            self.late.append(self._raw("mailbox", bytes(letter), "message/rfc822", account="bureau"))
        return self._raw("mailbox", bytes(letter), "message/rfc822", account="mayor")

    def _token(self, desk: Desk) -> str:
        return f"回复 {self._ticket_token(desk)}" if desk.state.tickets else "回复"

    def _ticket_token(self, desk: Desk) -> str:
        """Return the token of a ticket, which may have left the memory by now; or one that is signed with no key."""
        self.told.append(self._ticket(desk))
        ticket_id = self.chance.choice([self.told[0], *self.told[-3:]])
        signed = ticket_tokens.make(ticket_id, self.policy)
        return f"{signed[:-4]}2222" if self.chance.random() < 0.15 else signed

    def _machine(self, desk: Desk) -> Message:
        """An out-of-office reply: it makes no ticket, and may answer one."""
        letter = EmailMessage()
        letter["From"], letter["Subject"] = self._somebody().email, f"自动回复：{self._token(desk)}"
        letter["Message-ID"], letter["Auto-Submitted"] = f"<auto-{self.count}@mail.example>", "auto-replied"
        letter.set_content("我不在办公室", charset="utf-8")
        return self._raw("mailbox", bytes(letter), "message/rfc822")

    def _bounce(self, desk: Desk) -> Message:
        """What a mail server says of a receipt of ours that nobody gets: it names the ticket, and quotes a mail."""
        letter = EmailMessage()
        letter["From"], letter["Subject"] = "MAILER-DAEMON@mail.example", f"Undelivered Mail: {self._token(desk)}"
        letter["Message-ID"] = f"<bounce-{self.count}@mail.example>"
        if self.mails:
            letter["References"] = self.chance.choice(self.mails)
        letter.set_content(f"<{self._somebody().email}>: 550 no such user", charset="utf-8")
        return self._raw("mailbox", bytes(letter), "message/rfc822")

    def _record(self, desk: Desk) -> Message:
        """A letter, a visit or another system's ticket, that is imported days later; perhaps of a thread there."""
        who, kind = self._somebody(), self.chance.choice(sorted(IMPORTED))
        at = self.at - timedelta(days=self.chance.choice([0, 1, 40]))
        told: dict[str, Any] = {"id": str(self.count), "text": self._words(who, desk), "channel_kind": kind}
        told |= {
            "account": "letters",
            "received_at": at.isoformat(),
            "kind": self.chance.choice(["投诉", "举报", "咨询"]),
        }
        optional: dict[str, tuple[float, Any]] = {
            "sender": (0.8, {"kind": "phone", "value": who.phone, "name": who.name}),
            "thread_id": (0.4, self.chance.choice("xyz")),
            "title": (0.3, "来信"),
            "category": (0.3, "市容环卫"),
            "external_ticket_no": (0.3, f"X{self.count}"),
        }
        told |= {name: value for name, (often, value) in optional.items() if self.chance.random() < often}
        return self._raw("record", json.dumps(told, ensure_ascii=False).encode(), "application/json")

    def _app(self, desk: Desk) -> Message:
        """A request by Open311; perhaps for a ticket whose query code (查询码) they know."""
        who, known = self._somebody(), self.chance.random() < 0.5
        told = {"service_code": "other", "description": self._words(who, desk), "phone": who.phone}
        told |= {"account_id": f"user-{who.uid}"} if known else {}
        ticket = f"; ticket={self._ticket_token(desk)}" if desk.state.tickets and self.chance.random() < 0.2 else ""
        return self._raw("web", urlencode(told).encode(), f"application/x-www-form-urlencoded; client=app{ticket}")

    def _wechat(self, desk: Desk) -> Message:
        who = self._somebody()
        said = f"<Content><![CDATA[{self._words(who, desk)}]]></Content>"
        return self._raw("wechat", self._xml(who, "text", said), "text/xml")

    def _picture(self, desk: Desk) -> Message:
        """A picture or a voice, whose file comes later, or never will."""
        who, voice = self._somebody(), self.chance.random() < 0.5
        said = f"<Recognition><![CDATA[{self._words(who, desk)}]]></Recognition><Format>amr</Format>" if voice else ""
        body = self._xml(who, "voice" if voice else "image", f"<MediaId>m-{self.count}</MediaId>{said}")
        message = self._raw("wechat", body, "text/xml")
        lies: dict[str, Any] = {"dataref": f"{self.city}/{message.message_id}/{SHA}", "sha256": SHA, "size": 7}
        came = lies if self.chance.random() < 0.8 else {"unavailable": "expired", "code": "40007"}
        file = Media(message_id=message.message_id, media_id=f"m-{self.count}", **came)
        name = media.identifier(message.message_id, file.media_id)
        self.late.append(self._raw("wechat", msgspec.json.encode(file), media.CONTENT_TYPE, name=name))
        return message

    def _xml(self, who: Citizen, kind: str, inner: str) -> bytes:
        head = f"<FromUserName>{who.openid}</FromUserName><MsgType>{kind}</MsgType><MsgId>{self.count}</MsgId>"
        return f"<xml>{head}{inner}</xml>".encode()

    def _comment(self, desk: Desk) -> Message:
        """A comment on Weibo that is fetched, and pushed as well: which of them comes first is chance."""
        who, status = self._somebody(), self.chance.choice(["51", "52"])
        user, key, text = {"id": int(who.uid)}, f"60{self.count}", self._words(who, desk)
        fetched = {"idstr": key, "text": text, "user": user, "status": {"idstr": status, "text": "公告"}}
        mention = {"subtype": "comment", "key": key}
        pushed = {"type": "mention", "sender_id": int(who.uid), "text": f"@我们 {text[:5]}", "data": mention}
        both = (json.dumps(one, ensure_ascii=False).encode() for one in (fetched, pushed))
        first, second = self._shuffled(
            [self._raw("weibo", one, "application/json", name=f"{key}-{n}") for n, one in enumerate(both)]
        )
        if self.chance.random() < 0.7:
            self.late.append(second)
        return first

    def _form(self, desk: Desk) -> Message:
        who = self._somebody()
        told = {"text": self._words(who, desk), "name": who.name, "phone": who.phone, "email": who.email}
        told |= {"kind": self.chance.choice(["complaint", "report"]), "confidential": self.chance.choice(["yes", ""])}
        if self.chance.random() < 0.3:
            del told["name"], told["phone"], told["email"]
        return self._raw("web", urlencode(told).encode(), "application/x-www-form-urlencoded")

    def _raw(
        self, channel: str, value: bytes, content_type: str, *, account: str = "city", name: str | None = None
    ) -> Message:
        raw = raw_message(
            channel=channel,
            channel_kind="wechat_mp" if channel == "wechat" else channel,
            account=account,
            jurisdiction=self.city,
            identifier=name or f"{account}-{self.count}",
            value=value,
            content_type=content_type,
            time=self.at,
            recorded=self.at,
        )
        return normalize(raw, self.policy).message
