"""What a citizen says at every door but the IMAP mailbox, with a name and a number of their own at each."""

import contextlib
import hashlib
import hmac
import json
import smtplib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.message import EmailMessage

import urllib3

from connectors.web.receipts import Receipts
from hotline.dev.demo import phone, sms_http, sms_smpp, web, wechat, weibo
from hotline.dev.demo.smsc import Sms, Smsc
from hotline.dev.demo.stage import CITY
from hotline.dev.demo.wechat_platform import WeChatPlatform
from hotline.dev.demo.weibo import WeiboPlatform
from tests.peers.dovecot import free_ports
from tickets.policy import DEMO_QUERY_KEY

AT_WEIBO, IN_WEIBO = "5489518277", "13504017361"
AT_WECHAT, IN_WECHAT = "oPlantedOpenid4c1f", "13504017362"
AT_SMS, IN_SMS = "13504017363", "陆青岚"
AT_SMPP, IN_SMPP = "13504017364", "13504017365"
AT_PHONE, IN_PHONE, HEARD = "13504017366", "13504017367", "13504017368"
AT_WEB, WEB_NUMBER, IN_WEB, WEB_NAME = "webgao.1990@mail.example", "13504017369", "13504017370", "高砚秋"
AT_LMTP, IN_LMTP, LMTP_NAME = "lmtpfang.1975@mail.example", "13504017371", "方晏清"
IN_FIELD, IN_PLACE, FILE = "13504017372", "7单元1909", "13504017373"
RECORDING, SUBJECT = "13504017374", "13504017375"
SHARED, LATITUDE = "8单元2108", "41.805699173"
QUOTED, IN_A_PHRASE, SIGNED = "13504017376", "quoted.lu@mail.example", "13504017377"
IN_HTML = ("13504017378", "13504017379", "13504017380", "13504017381")
IN_A_CARD, IN_A_CALENDAR = "13504017382", "13504017383"
REPLY_TO, COPY_TO, COPIED, ANSWERED = "reply.lu@mail.example", "13504017384@mail.example", "闻人霁月", "13504017385"
DEVICE, APP_ACCOUNT = "13504017386", "13504017387"

CARD = f"BEGIN:VCARD\r\nTEL:{FILE}\r\nEND:VCARD\r\n".encode()

SECRETS = (
    AT_WEIBO, IN_WEIBO, AT_WECHAT, IN_WECHAT, AT_SMS, IN_SMS, AT_SMPP, IN_SMPP, AT_PHONE, IN_PHONE, HEARD,
    AT_WEB, WEB_NUMBER, IN_WEB, WEB_NAME, AT_LMTP, IN_LMTP, LMTP_NAME,
    IN_FIELD, IN_PLACE, FILE, RECORDING, SUBJECT, SHARED, LATITUDE, QUOTED, IN_A_PHRASE, SIGNED,
    REPLY_TO, COPY_TO, COPIED, ANSWERED,
)  # fmt: skip
"""Of the citizens."""

INSIDE = (*IN_HTML, IN_A_CARD, IN_A_CALENDAR, DEVICE, APP_ACCOUNT)
"""Of the citizens, too: in what is no text of a message, as the attributes of a page or the bytes of a file."""

LEAVING = {
    IN_PLACE: (IN_PLACE, IN_FIELD, FILE, DEVICE, APP_ACCOUNT),
    AT_PHONE: (AT_PHONE, IN_PHONE, HEARD, RECORDING, SUBJECT),
    AT_LMTP: (
        *(AT_LMTP, IN_LMTP, LMTP_NAME, QUOTED, IN_A_PHRASE, SIGNED, REPLY_TO, COPY_TO, COPIED, ANSWERED),
        *(*IN_HTML, IN_A_CARD, IN_A_CALENDAR),
    ),
}
"""Who asks to be forgotten, of an app, a call and a mail: what their ticket is known by, and all that they said."""

KEYS = (weibo.SECRET, wechat.TOKEN, sms_http.SECRET, phone.SECRET, web.API_KEY)
"""Of the accounts; some stand in the addresses that are called."""

AGAIN = b"Received: from elsewhere.example by 12345.example; Wed, 25 Nov 2026 10:31:00 +0800\r\n"
"""Before a mail that came another way: other bytes."""

CAME_AGAIN = 2
"""How many messages come again of those who left."""

CAME = 9
"""How many messages are made of it."""

DIGESTS = tuple(hashlib.sha256(one).hexdigest() for one in (CARD, *(secret.encode() for secret in SECRETS)))
"""Of what is short enough to be tried: a file that is a card, each value."""


class Doors:
    """The accounts, and who knocks at them; an SMSC runs while a `with` block lasts."""

    components = ("connector:demo_smpp", "lmtp")

    def __init__(self, receiver_port: int) -> None:
        self._url = f"http://127.0.0.1:{receiver_port}"
        self._lmtp = free_ports(1, start=19500)
        self._smsc = Smsc(free_ports(1, start=19550))
        self.settings = {
            f"{sms_http.ALIYUN}PROVIDER": "aliyun",
            f"{sms_http.ALIYUN}PATH": sms_http.PATH,
            f"{sms_http.ALIYUN}PATH_SECRETS": json.dumps([sms_http.SECRET]),
            f"{sms_http.ALIYUN}ALLOWED_ADDRESSES": '["127.0.0.1"]',
            f"{sms_smpp.PREFIX}HOST": "127.0.0.1",
            f"{sms_smpp.PREFIX}PORT": str(self._smsc.port),
            f"{sms_smpp.PREFIX}SYSTEM_ID": "hotline",
            f"{sms_smpp.PREFIX}PASSWORD": "secret",
            f"{weibo.PREFIX}APP_SECRETS": json.dumps([weibo.SECRET]),
            f"{weibo.PREFIX}PATH": weibo.PATH,
            f"{phone.PREFIX}SECRETS": json.dumps([phone.SECRET]),
            f"{phone.PREFIX}PATH": phone.PATH,
            "HOTLINE_LMTP__PORT": str(self._lmtp),
            "HOTLINE_LMTP__MAILBOXES__MAYOR__RECIPIENTS": '["mayor@12345.example"]',
            **wechat.account(),
            **web.account(),
            f"{web.PREFIX}TOLD": "masked",  # whoever asks may read what is left of the words
        }

    @contextlib.contextmanager
    def open(self) -> Iterator["Doors"]:
        """Let the SMSC run."""
        with self._smsc:
            yield self

    def knock(self) -> None:
        """Say something at each, once the receiver answers."""
        self._smsc.deliver(Sms(sender=f"86{AT_SMPP}", data=f"井盖没了，回电{IN_SMPP}".encode("utf-16-be")))
        assert WeiboPlatform(self._url + weibo.PATH, weibo.SECRET).push(_push()) == 200
        platform = WeChatPlatform(self._url + wechat.PATH, wechat.TOKEN, wechat.AES_KEY, wechat.APPID)
        for pushed in (_callback(), _shared()):
            assert platform.push(pushed) == 200
        self._sms()
        self._call()
        self._form()
        self._app()
        self._lmtp_mail(_mail())

    def knock_again(self) -> None:
        """Tell of the call once more, and deliver the mail by another way."""
        self._call(2)
        self._lmtp_mail(AGAIN + _mail())

    def _lmtp_mail(self, mail: bytes) -> None:
        with smtplib.LMTP("127.0.0.1", self._lmtp, timeout=60) as peer:
            peer.sendmail(AT_LMTP, ["mayor@12345.example"], mail)

    def _sms(self) -> None:
        one = {
            "phone_number": AT_SMS,
            "content": f"垃圾没人收，我叫{IN_SMS}",
            "send_time": "2026-11-25 16:29:00",
            "dest_code": "12345",
            "sequence_id": "910000000000000001",
        }
        self._post(f"{sms_http.PATH}/{sms_http.SECRET}", json.dumps([one]).encode())

    def _call(self, revision: int = 1) -> None:
        record = {
            "call_id": "planted-1",
            "revision": revision,
            "caller": AT_PHONE,
            "callee": "12345",
            "agent": "8001",
            "request_kind": "投诉",
            "subject": f"路面塌陷{SUBJECT}",
            "note": f"来电人反映路面塌陷，回电{IN_PHONE}",
            "recording": {"reference": f"2026/11/{RECORDING}-12345.wav", "bytes": 1000},
            "transcript": [{"speaker": "citizen", "text": f"我的电话是{HEARD}，你们快来看看"}],
        }
        body, stamp = json.dumps(record).encode(), str(int(time.time()))
        signed = hmac.new(phone.SECRET.encode(), b"v1\n" + stamp.encode() + b"\n" + body, hashlib.sha256).hexdigest()
        self._post(phone.PATH, body, {"Hotline-Timestamp": stamp, "Hotline-Signature": f"v1={signed}"})

    def _form(self) -> None:
        stamp = Receipts(DEMO_QUERY_KEY, CITY, web.ACCOUNT).stamp(datetime.now(UTC), "planted-form-001")
        told = {
            "text": f"小区门口的树倒了，请联系{IN_WEB}",
            "title": f"{WEB_NAME}反映树倒了",
            "name": WEB_NAME,
            "email": AT_WEB,
            "phone": WEB_NUMBER,
            "stamp": stamp,
        }
        answer = urllib3.request("POST", self._url + web.PATH, fields={**web.FORM, **told}, retries=False, timeout=60)
        assert answer.status == 303, answer.data

    def _app(self) -> None:
        told = {
            "api_key": web.API_KEY,
            "service_code": "construction.public_works",
            "address_string": f"丁香苑3号楼{IN_PLACE}",
            "description": "健身器材坏了",
            "attribute[remark]": f"白天打{IN_FIELD}",
            "device_id": DEVICE,
            "account_id": APP_ACCOUNT,
        }
        files = {"media": (f"{FILE}.vcf", CARD, "text/vcard")}
        url = f"{self._url}{web.PATH}/open311/v2/requests.json?jurisdiction_id={CITY}"
        answer = urllib3.request("POST", url, fields={**told, **files}, retries=False, timeout=60)
        assert answer.status == 200, answer.data

    def _post(self, path: str, body: bytes, headers: dict[str, str] | None = None) -> None:
        sent = {"content-type": "application/json", **(headers or {})}
        answer = urllib3.request("POST", self._url + path, body=body, headers=sent, retries=False, timeout=60)
        assert answer.status == 200, answer.data


def _push() -> str:
    fields = {
        "type": "text",
        "receiver_id": 1902538057,
        "sender_id": int(AT_WEIBO),
        "created_at": "Wed Nov 25 10:31:00 +0800 2026",
        "text": f"广场的喷泉漏水，私信我或打{IN_WEIBO}",
        "data": {},
    }
    return json.dumps(fields, ensure_ascii=False)


def _shared() -> str:
    return (
        f"<xml><ToUserName>gh_12345</ToUserName><FromUserName>{AT_WECHAT}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>location</MsgType><Location_X>{LATITUDE}</Location_X>"
        f"<Location_Y>123.431474286</Location_Y><Scale>16</Scale><Label>青年大街19号丁香苑3号楼{SHARED}</Label>"
        "<MsgId>7000000000000002</MsgId></xml>"
    )


def _callback() -> str:
    return (
        f"<xml><ToUserName>gh_12345</ToUserName><FromUserName>{AT_WECHAT}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType>text</MsgType>"
        f"<Content>公交站牌歪了，电话{IN_WECHAT}</Content><MsgId>7000000000000001</MsgId></xml>"
    )


def _mail() -> bytes:
    letter = EmailMessage()
    letter["From"], letter["To"] = f"{LMTP_NAME} <{AT_LMTP}>", "mayor@12345.example"
    letter["Cc"], letter["Reply-To"] = f"{COPIED} <{COPY_TO}>", REPLY_TO
    letter["In-Reply-To"] = f"<{ANSWERED}.1@mail.example>"
    letter["Subject"], letter["Message-ID"] = "图书馆的空调坏了", f"<1.{AT_LMTP}>"
    text = f"图书馆的空调坏了很久，请打{IN_LMTP}。\n此致\n敬礼\n{LMTP_NAME}\n"
    quoted = f"\n-----原始邮件-----\n发件人: <{IN_A_PHRASE}>\n主题: 图书馆\n\n请回{QUOTED}\n"
    letter.set_content(f"{text}-- \n手机 {SIGNED}\n{quoted}", charset="utf-8", cte="8bit")
    link, alt, title, comment = IN_HTML
    page = f'<a href="tel:{link}">回电</a><img src="cid:a" alt="{alt}"><b title="{title}">谢谢</b><!-- {comment} -->'
    letter.add_alternative(page, subtype="html", cte="8bit")
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nTEL:{IN_A_CARD}\r\nEND:VCARD\r\n"
    letter.add_attachment(card, subtype="vcard", filename="我.vcf", cte="8bit")
    event = f"BEGIN:VEVENT\r\nSUMMARY:看房\r\nATTENDEE:tel:{IN_A_CALENDAR}\r\nEND:VEVENT\r\n"
    day = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{event}END:VCALENDAR\r\n"
    letter.add_attachment(day, subtype="calendar", filename="约.ics", cte="8bit")
    return bytes(letter)
