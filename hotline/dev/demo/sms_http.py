"""The demo's SMS accounts at gateways with webhooks: Twilio, which signs, and Aliyun (阿里云), which does not."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from urllib.parse import urlencode

import urllib3

from hotline.dev.demo.stage import PATIENCE_SECONDS, Player, Stage
from schemas.errors import UnreachableError

TWILIO = "HOTLINE_CONNECTORS__SMS_HTTP__DEMO_TWILIO__"
ALIYUN = "HOTLINE_CONNECTORS__SMS_HTTP__DEMO_ALIYUN__"
TOKEN, URL = "hotline-demo-auth-token", "https://12345.example/sms/twilio"
PATH, SECRET = "/sms/aliyun", "hotlineDemoPathSecret"


class WebhookPlayer(Player):
    """Calls the receiver as the gateways do."""

    def __init__(self, stage: Stage) -> None:
        self._receiver = stage.receiver_url
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS)

    def __exit__(self, *_: object) -> None:
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        """Return the settings of both accounts."""
        return {
            f"{TWILIO}PROVIDER": "twilio",
            f"{TWILIO}PATH": "/sms/twilio",
            f"{TWILIO}AUTH_TOKENS": json.dumps([TOKEN]),
            f"{TWILIO}PUBLIC_URL": URL,
            f"{ALIYUN}PROVIDER": "aliyun",
            f"{ALIYUN}PATH": PATH,
            f"{ALIYUN}PATH_SECRETS": json.dumps([SECRET]),
            f"{ALIYUN}ALLOWED_ADDRESSES": json.dumps(["127.0.0.1"]),
        }

    def messages(self) -> Iterator[str]:
        """Push a signed form, then a batch of two messages: each is a record of its own."""
        body = urlencode(FORM).encode()
        headers = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": _signature(FORM)}
        self._post("/sms/twilio", body, headers)
        yield "📲 短信 Twilio  签名的回调 · a signed callback"
        batch = json.dumps(BATCH, ensure_ascii=False).encode()
        self._post(f"{PATH}/{SECRET}", batch, {"content-type": "application/json"})
        for number in range(1, len(BATCH) + 1):
            yield f"📲 短信 阿里云  批量推送第 {number} 条 · number {number} of a batch"

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> None:
        status = self._http.request("POST", self._receiver + path, body=body, headers=headers).status
        if status != 200:
            raise UnreachableError(f"the receiver answered {status} to a gateway's callback")


def _signature(form: Mapping[str, str]) -> str:
    """Sign as Twilio's documentation says, apart from the connector."""
    text = URL + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


FORM = {
    "MessageSid": "SM00000000000000000000000000000001",
    "AccountSid": "AC00000000000000000000000000000000",
    "From": "+8613900000021",
    "To": "+862400012345",
    "Body": "塔湾街菜市场后门的污水井一直往外冒水，臭得没法走人",
    "NumMedia": "0",
}

BATCH = [
    {
        "phone_number": "13900000022",
        "content": "昆山西路12号楼下烧烤摊半夜还在放音响🔊",
        "send_time": "2026-11-25 16:29:00",
        "dest_code": "12345",
        "sequence_id": "900000000000000001",
    },
    {
        "phone_number": "13900000023",
        "content": "宁山中路的盲道被共享单车占满了",
        "send_time": "2026-11-25 16:29:03",
        "dest_code": "12345",
        "sequence_id": "900000000000000002",
    },
]
