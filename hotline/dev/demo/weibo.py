"""The demo's Weibo account: pushes of the fans' service (粉丝服务), signed by another hand than ours."""

import hashlib
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import urllib3
from msgspec import Struct

from hotline.dev.demo.stage import Player, Stage
from schemas.errors import UnreachableError

PREFIX = "HOTLINE_CONNECTORS__WEIBO__DEMO_WEIBO__"
SECRET = "hotlinedemoappsecret12345"  # noqa: S105 - of an application that nobody has
PATH = "/weibo"

ANSWER_SECONDS = 5.0
TRIES = 3


class Push(Struct, frozen=True, kw_only=True):
    """One push, how often the platform sends it, and what is worth seeing about it."""

    body: str
    note: str
    times: int = 1


def pushes() -> tuple[Push, ...]:
    """Return the pushes in the order in which they are sent; a push has no id, so each always says the same time."""
    street = "@沈阳12345 向阳街菜市场门口垃圾桶满出来了，味道很大[捂脸] ​"
    noise = "私信问一下，锦绣家园北门的烧烤摊半夜两点还放音响，归谁管？[疑问]"
    return (
        Push(body=_push("event", 31, "关注事件消息", subtype="follow"), note="关注 · a new follower"),
        Push(
            body=_push("mention", 32, street, subtype="status", key="5100000000000001"),
            note="@我 · a mention, with an emoticon",
        ),
        Push(body=_push("text", 33, noise), note="私信，平台重发一次 · a message, sent twice", times=2),
    )


class WeiboPlatform:
    """The platform's side of one account."""

    def __init__(self, url: str, app_secret: str) -> None:
        self._url = url
        self._secret = app_secret
        self._http = urllib3.PoolManager(retries=False, timeout=ANSWER_SECONDS)

    def push(self, body: str) -> int:
        """Deliver a push, three times at most, and return the HTTP status, 0 when nobody answered."""
        status = 0
        for _ in range(TRIES):
            status = self._try(body.encode())
            if status == 200:
                break
        return status

    def _try(self, body: bytes) -> int:
        timestamp, nonce = str(int(time.time())), secrets.token_hex(8)
        signature = hashlib.sha1("".join(sorted((self._secret, timestamp, nonce))).encode(), usedforsecurity=False)
        query = urlencode({"signature": signature.hexdigest(), "timestamp": timestamp, "nonce": nonce})
        headers = {"Content-Type": "application/json"}
        try:
            return int(self._http.request("POST", f"{self._url}?{query}", body=body, headers=headers).status)
        except urllib3.exceptions.HTTPError:
            return 0


class WeiboPlayer(Player):
    """Calls the receiver as the platform does."""

    def __init__(self, stage: Stage) -> None:
        self._platform = WeiboPlatform(f"{stage.receiver_url}{PATH}", SECRET)

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return {f"{PREFIX}APP_SECRETS": f'["{SECRET}"]', f"{PREFIX}PATH": PATH}

    def messages(self) -> Iterator[str]:
        """Send one push after the other; one comes twice."""
        for push in pushes():
            for _ in range(push.times):
                status = self._platform.push(push.body)
                if status != 200:
                    raise UnreachableError(f"the receiver answered {status} to a signed push")
                yield f"🧣 微博  {push.note}"


def _push(kind: str, sender: int, text: str, **data: Any) -> str:
    fields = {
        "type": kind,
        "receiver_id": 1902538057,
        "sender_id": 2489518200 + sender,
        "created_at": f"Mon Mar 02 10:{sender}:00 +0800 2026",
        "text": text,
        "data": data,
    }
    return json.dumps(fields, ensure_ascii=False)
