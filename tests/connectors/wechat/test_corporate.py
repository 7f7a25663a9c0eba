"""企业微信: Tencent's vectors, other hands' ciphers, and everything that is not the platform."""

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from werobot.crypto import MessageCrypt
from werobot.utils import get_signature

from connectors.base import Request
from connectors.wechat.settings import WeComSettings
from connectors.wechat.wecom import WeCom
from schemas.errors import MisconfiguredError, RefusedRequest
from schemas.records import RawMessage
from tests.connectors.wechat import vectors
from tests.connectors.wechat.callbacks import NOW, STAMP, msgid
from tests.peers import npm, pip
from tests.rows import each_row

TOKEN, AES_KEY, CORP = vectors.WECOM_TOKEN, vectors.WECOM_AES_KEY, vectors.WECOM_CORP
TEXT = (
    f"<xml><ToUserName>{CORP}</ToUserName><FromUserName>zhangsan</FromUserName><CreateTime>{STAMP}</CreateTime>"
    "<MsgType>text</MsgType><Content>楼道灯坏了💡</Content><MsgId>1456453720</MsgId><AgentID>1</AgentID></xml>"
)
EVENT = (
    f"<xml><ToUserName>{CORP}</ToUserName><CreateTime>{STAMP}</CreateTime><MsgType>event</MsgType>"
    "<Event>kf_msg_or_event</Event><Token>ENCtoken</Token><OpenKfId>wkAJ2</OpenKfId></xml>"
)


def company(now: datetime = NOW, **changes: Any) -> WeCom:
    settings: dict[str, Any] = {
        "corpid": CORP,
        "tokens": [TOKEN],
        "aes_keys": [AES_KEY],
        "jurisdiction": "110000",
    }
    return WeCom(WeComSettings(**settings | changes), "office", now=lambda: now)


def push(
    body: str, *, timestamp: str = STAMP, token: str = TOKEN, aes_key: str = AES_KEY, corpid: str = CORP
) -> Request:
    """Return a callback encrypted and signed by WeRoBot."""
    closed = MessageCrypt(token, aes_key, corpid).prp_crypto.encrypt(body, corpid).decode()
    query = {"timestamp": timestamp, "nonce": "n1", "msg_signature": get_signature(token, timestamp, "n1", closed)}
    wire = f"<xml><ToUserName><![CDATA[{corpid}]]></ToUserName><Encrypt><![CDATA[{closed}]]></Encrypt><AgentID/></xml>"
    return request(query, wire.encode())


def request(query: dict[str, str], body: bytes = b"", method: str = "POST") -> Request:
    several = {name: (value,) for name, value in query.items()}
    return Request(method=method, path="/wecom", query=several, headers={}, body=body)


def received(connector: WeCom, pushed: Request) -> RawMessage:
    accepted = connector.accept(pushed)
    assert accepted.answer.body == b"success"
    (message,) = accepted.messages
    return message


def test_a_message_gives_its_exact_bytes() -> None:
    message = received(company(), push(TEXT))
    assert message.value == TEXT.encode()
    assert (msgid(message.envelope.id), message.envelope.sender) == ("1456453720", "zhangsan")
    assert (message.envelope.channelkind, message.channel) == ("wecom", "wechat")
    assert message.envelope.wiresha256 != message.envelope.sha256


def test_an_event_without_a_sender_is_named_by_its_bytes_and_keeps_one_order() -> None:
    one, other = received(company(), push(EVENT)), received(company(), push(EVENT))
    assert one.envelope.id == hashlib.sha256(EVENT.encode()).hexdigest() == other.envelope.id
    assert one.conversation == other.conversation == "office\n"


def test_tencents_message_vector() -> None:
    at = datetime.fromtimestamp(int(vectors.WECOM_TIMESTAMP), UTC)
    query = {
        "timestamp": vectors.WECOM_TIMESTAMP,
        "nonce": vectors.WECOM_NONCE,
        "msg_signature": vectors.WECOM_MSG_SIGNATURE,
    }
    body = f"<xml><Encrypt><![CDATA[{vectors.WECOM_ENCRYPT}]]></Encrypt></xml>".encode()
    assert b"<Content><![CDATA[hello]]></Content>" in received(company(at), request(query, body)).value


def echo(**changes: str) -> Request:
    closed = MessageCrypt(TOKEN, AES_KEY, CORP).prp_crypto.encrypt("1616140317555161061", CORP).decode()
    query = {
        "timestamp": STAMP,
        "nonce": "n1",
        "echostr": closed,
        "msg_signature": get_signature(TOKEN, STAMP, "n1", closed),
    }
    return request(query | changes, method="GET")


def test_the_address_proves_itself() -> None:
    assert company().accept(echo()).answer.body == b"1616140317555161061"


FORGED: dict[str, Callable[[], Request]] = {
    "another token": lambda: push(TEXT, token="stranger"),
    "another key": lambda: push(TEXT, aes_key="x" * 43),
    "another company": lambda: push(TEXT, corpid="ww0000000000000000"),
    "an hour ago": lambda: push(TEXT, timestamp=str(int(STAMP) - 3600)),
    "in an hour": lambda: push(TEXT, timestamp=str(int(STAMP) + 3600)),
    "no signature": lambda: without(push(TEXT), "msg_signature"),
    "no nonce": lambda: without(push(TEXT), "nonce"),
    "no timestamp": lambda: without(push(TEXT), "timestamp"),
    "twice": lambda: twice(push(TEXT), "nonce"),
    "nothing": lambda: request({}),
    "in the clear": lambda: replace(push(TEXT), body=TEXT.encode()),
    "a different body": lambda: replace(push(TEXT), body=push(EVENT).body),
    "no xml": lambda: replace(push(TEXT), body=b"\xff\xfe"),
    "an official account's signature": lambda: request({"signature": "x", "timestamp": STAMP, "nonce": "1"}),
    "a wrong echo": lambda: echo(echostr="abc"),
    "an echo of nobody": lambda: echo(msg_signature="0" * 40),
    "another method": lambda: replace(push(TEXT), method="PUT"),
}


def without(pushed: Request, name: str) -> Request:
    return replace(pushed, query={key: value for key, value in pushed.query.items() if key != name})


def twice(pushed: Request, name: str) -> Request:
    return replace(pushed, query={**pushed.query, name: pushed.query[name] * 2})


@each_row("forged", FORGED)
def test_what_is_not_the_platform_is_refused(forged: str) -> None:
    with pytest.raises(RefusedRequest) as caught:
        company().accept(FORGED[forged]())
    assert 400 <= caught.value.status < 500


def test_old_and_new_keys_are_good_at_once() -> None:
    both = company(tokens=["new-token", TOKEN], aes_keys=["x" * 42 + "A", AES_KEY])
    assert received(both, push(TEXT)).value == TEXT.encode()
    assert received(both, push(TEXT, token="new-token")).value == TEXT.encode()


def test_an_account_needs_a_city_and_a_sound_key() -> None:
    with pytest.raises(MisconfiguredError):
        WeCom(WeComSettings(corpid=CORP, tokens=[TOKEN], aes_keys=[AES_KEY]), "office")
    with pytest.raises(ValueError, match="EncodingAESKey"):
        WeComSettings(corpid=CORP, tokens=[TOKEN], aes_keys=["short"])


def test_messages_of_customers_are_fetched_with_a_secret() -> None:
    with pytest.raises(ValueError, match="secret is missing"):
        company(open_kfids=["wk1"])
    assert company(open_kfids=["wk1"], secret="s")


NODE = """
const wecom = require('@wecom/crypto');
const job = JSON.parse(require('fs').readFileSync(0));
const closed = wecom.encrypt(job.key, job.xml, job.corp);
console.log(JSON.stringify({ closed, signature: wecom.getSignature(job.token, job.time, 'n1', closed) }));
"""

TENCENTS_OWN = """
import json, re, sys, xml.etree.ElementTree
sys.modules["xml.etree.cElementTree"] = xml.etree.ElementTree  # a name that Python has no more
from weworkapi.WXBizMsgCrypt3 import WXBizMsgCrypt
job = json.load(sys.stdin)
box = WXBizMsgCrypt(job["token"], job["key"], job["corp"])
code, outer = box.EncryptMsg(job["xml"], "n1", job["time"])
assert code == 0, code
closed, signature = (re.search(f"<{name}>...CDATA.(.*?)...</{name}>", outer)[1] for name in ("Encrypt", "MsgSignature"))
print(json.dumps({"closed": closed, "signature": signature}))
"""


def by_node() -> tuple[list[str], dict[str, str]]:
    return ["node", "-e", NODE], {"NODE_PATH": str(npm.modules())}


def by_weworkapi() -> tuple[list[str], dict[str, str]]:
    return [str(pip.scripts("weworkapi") / "python"), "-c", TENCENTS_OWN], {}


@pytest.mark.integration
@pytest.mark.parametrize("hand", [by_node, by_weworkapi])
@pytest.mark.parametrize("body", [TEXT, EVENT])
def test_other_peoples_ciphers_are_understood(hand: Callable[[], Any], body: str) -> None:
    command, environment = hand()
    job = {"token": TOKEN, "key": AES_KEY, "corp": CORP, "xml": body, "time": STAMP}
    done = subprocess.run(
        command,
        input=json.dumps(job),
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=Path(__file__).parent,
    )
    told = json.loads(done.stdout)
    query = {"timestamp": STAMP, "nonce": "n1", "msg_signature": told["signature"]}
    wire = f"<xml><Encrypt><![CDATA[{told['closed']}]]></Encrypt></xml>".encode()
    assert received(company(), request(query, wire)).value == body.encode()
