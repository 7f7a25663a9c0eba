"""The demo's web door: an app that speaks Open311, and a browser that sends the citizens' form."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import urllib3

from connectors.web.receipts import Receipts
from hotline.dev.demo.stage import CITY, PATIENCE_SECONDS, Player, Stage
from schemas.errors import UnreachableError
from tickets.policy import DEMO_QUERY_KEY

ACCOUNT = "demo_web"
PREFIX = f"HOTLINE_CONNECTORS__WEB__{ACCOUNT.upper()}__"
API_KEY = "hotline-demo-app-on-loopback"
PATH = "/web"
NONCE = "demo-form-000001"
"""The same in each performance, so that a second one sends the same form again."""

REQUEST = {
    "api_key": API_KEY,
    "service_code": "construction.public_works",
    "lat": "41.767920",
    "long": "123.412347",
    "address_string": "滨河公园西门",
    "description": "健身器材的座椅松动了，孩子坐上去很危险💺",
    "attribute[request_kind]": "help_request",
    "phone": "13898000021",
    "first_name": "敏",
    "last_name": "赵",
}
FORM = {
    "kind": "complaint",
    "title": "家里暖气不热",
    "text": "供暖一周了，室温只有14度，\n打过供热公司电话，没有人来。",
    "place": "青年大街19号",
    "name": "孙浩",
    "email": "sunhao@mail.example",
    "lang": "zh",
    "website": "",
}


class WebPlayer(Player):
    """Knocks at the receiver as apps and browsers do."""

    def __init__(self, stage: Stage) -> None:
        self._url = f"{stage.receiver_url}{PATH}"
        self._http = urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS)

    def __exit__(self, *_: object) -> None:
        """Let go of the connections."""
        self._http.clear()

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return account()

    def messages(self) -> Iterator[str]:
        """Send a request by Open311, then the form."""
        sent = self._http.request_encode_body(
            "POST",
            f"{self._url}/open311/v2/requests.json",
            fields=REQUEST,
            encode_multipart=False,
            headers={"Idempotency-Key": "demo-1"},
        )
        _check(sent.status, 200)
        (answer,) = json.loads(sent.data)
        yield f"📱 Open311  健身器材损坏 → {answer.get('service_request_id') or answer['token']}"
        stamp = Receipts(DEMO_QUERY_KEY, CITY, ACCOUNT).stamp(datetime.now(UTC), NONCE)
        sent = self._http.request_encode_body("POST", self._url, fields={**FORM, "stamp": stamp})
        _check(sent.status, 303)
        yield "🖥  网上表单  暖气不热，投诉 · receipt in hand"


def _check(status: int, wanted: int) -> None:
    if status != wanted:
        raise UnreachableError(f"the receiver answered {status} to the web form")


def account() -> dict[str, str]:
    """Return the settings of the demo's account."""
    return {
        f"{PREFIX}PATH": PATH,
        f"{PREFIX}OPEN311": "true",
        f"{PREFIX}CLIENTS": json.dumps({"demo_app": {"api_keys": [API_KEY]}}),
    }
