"""The demo's 微信客服: an event says only that somebody wrote; the messages and the picture are fetched."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from hotline.dev.demo.stage import PATIENCE_SECONDS, Player, Stage
from hotline.dev.demo.wechat_api import WeChatApi
from hotline.dev.demo.wechat_platform import WeChatPlatform
from schemas.errors import UnreachableError

PREFIX = "HOTLINE_CONNECTORS__WECOM__DEMO_WECOM__"
TOKEN, CORPID = "hotlinedemowecom", "ww12345demo67890"
AES_KEY = "hotlineDemoWeComEncodingAESKeyLoopbackOnly1"
PATH = "/wecom"
KFID = "wkDEMO12345"

_PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
"""A PNG of one red dot."""


class WeComPlayer(Player):
    """Calls the receiver as 企业微信 does, and is the platform that the fetcher asks."""

    components: ClassVar[tuple[str, ...]] = ("fetcher",)

    def __init__(self, stage: Stage) -> None:
        self._platform = WeChatPlatform(f"{stage.receiver_url}{PATH}", TOKEN, AES_KEY, CORPID)
        self._api = WeChatApi()
        self._port = stage.port()
        self._running: AbstractContextManager[WeChatApi] = self._api.running(self._port)

    def __enter__(self) -> "WeComPlayer":
        self._running.__enter__()
        now = int(time.time())
        self._api.customer = [_text(now), _image(now)]
        self._api.media = {"demo-picture": (_PICTURE, "image/png")}
        return self

    def __exit__(self, *_: object) -> None:
        self._running.__exit__(None, None, None)

    def environment(self) -> Mapping[str, str]:
        """Return the settings of the account."""
        return {
            f"{PREFIX}CORPID": CORPID,
            f"{PREFIX}TOKENS": f'["{TOKEN}"]',
            f"{PREFIX}AES_KEYS": f'["{AES_KEY}"]',
            f"{PREFIX}PATH": PATH,
            f"{PREFIX}SECRET": "demo-secret",
            f"{PREFIX}API_URL": self._api.url,
        }

    def messages(self) -> Iterator[str]:
        """Push the event, and tell what is fetched for it; nothing is that was fetched in an earlier run."""
        status = self._platform.push(_event())
        if status != 200:
            raise UnreachableError(f"the receiver answered {status} to a signed event")
        yield "💼 企业微信  客服事件 · an event that says only: somebody wrote"
        self._until("kf/sync_msg")
        if not self._api.handed:
            return
        yield "💼 微信客服  拉取的文字 · a text that was fetched for it"
        yield "💼 微信客服  拉取的图片消息 · a picture that is only named yet"
        self._until("media/get")
        yield "📎 微信客服  图片文件 · the picture itself, filed with its message"

    def _until(self, endpoint: str) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while endpoint not in self._api.calls:
            if time.monotonic() > end:
                raise UnreachableError(f"the fetcher did not request {endpoint}: see the log of the pipeline")
            time.sleep(0.05)


def _event() -> str:
    """Return the same event at every run, as a repeat of the platform's would be."""
    fields = "<MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENCdemo</Token>"
    head = f"<ToUserName>{CORPID}</ToUserName><CreateTime>1795600000</CreateTime>"
    return f"<xml>{head}{fields}<OpenKfId>{KFID}</OpenKfId></xml>"


def _text(now: int) -> dict[str, Any]:
    return _said("demo-kf-1", now, "text", content="青年大街地铁站B口的自动扶梯停了两周，老人上下都不方便")


def _image(now: int) -> dict[str, Any]:
    return _said("demo-kf-2", now, "image", media_id="demo-picture")


def _said(name: str, now: int, kind: str, **body: str) -> dict[str, Any]:
    return {
        "msgid": name,
        "open_kfid": KFID,
        "external_userid": "wmDEMOliu",
        "send_time": now,
        "origin": 3,
        "msgtype": kind,
        kind: body,
    }
