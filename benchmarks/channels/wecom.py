"""微信客服: an event says only that somebody wrote, and may never arrive; what was written is asked for."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any, ClassVar
from urllib.parse import urlsplit

from benchmarks.channels import course
from benchmarks.channels.course import Ground, numbered
from hotline.dev.demo.wechat_api import Call, WeChatApi
from hotline.dev.demo.wechat_platform import WeChatPlatform

TOKEN, CORPID, KFID = "hotlinebenchwecom", "ww12345bench6789", "wkBENCH12345"
AES_KEY = "hotlineBenchWeComEncodingAESKeyLoopbackOnly"
PREFIX = "HOTLINE_CONNECTORS__WECOM__BENCH__"
PATH = "/wecom"
LATE_EVERY, LATE_SECONDS = 7, 1.5
"""Every so manieth message is shown so long after its event."""


class Course(course.Course):
    """One 客服账号, and the platform that has its messages for three days."""

    channel: ClassVar[str] = "wechat"
    components: ClassVar[tuple[str, ...]] = ("receiver", "fetcher")

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._platform = WeChatPlatform(f"{ground.receiver_url}{PATH}", TOKEN, AES_KEY, CORPID)
        self._api = WeChatApi()
        self._api.page = 5
        self._running = self._api.running()
        self._callers = ThreadPoolExecutor(8)

    def __enter__(self) -> "Course":
        self._running.__enter__()
        self._line = self._ground.line(urlsplit(self._api.url).port or 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._callers.shutdown(cancel_futures=True)
        self._running.__exit__(None, None, None)

    def environment(self) -> Mapping[str, str]:
        return {
            f"{PREFIX}CORPID": CORPID,
            f"{PREFIX}TOKENS": f'["{TOKEN}"]',
            f"{PREFIX}AES_KEYS": f'["{AES_KEY}"]',
            f"{PREFIX}PATH": PATH,
            f"{PREFIX}SECRET": "bench-secret",
            f"{PREFIX}API_URL": f"http://127.0.0.1:{self._line}",
            f"{PREFIX}OPEN_KFIDS": f'["{KFID}"]',
            "HOTLINE_FETCHER__SWEEP_SECONDS": "10",
        }

    def send(self, number: int) -> None:
        """Let somebody write; the event is tried three times, and never again."""
        if number % LATE_EVERY == 0:
            self._callers.submit(self._platform.push, _event(number))
            time.sleep(LATE_SECONDS)
            self._api.customer.append(_said(number))
        else:
            self._api.customer.append(_said(number))
            self._callers.submit(self._platform.push, _event(number))

    def faults(self) -> Mapping[str, Callable[[Random], None]]:
        return {
            "bad gateway": lambda dice: self._for(dice, lambda call: call.send(b"bad", "text/html", status=502)),
            "system busy": lambda dice: self._for(dice, lambda call: call.say({"errcode": -1, "errmsg": "busy"})),
            "too many calls": lambda dice: self._for(
                dice, lambda call: call.say({"errcode": 45009, "errmsg": "limit"})
            ),
            "half a page": lambda dice: self._for(
                dice, lambda call: call.send(b'{"errcode":0,"next_cur', "text/plain")
            ),
            "empty pages": lambda dice: self._for(dice, self._empty),
            "cursor refused": lambda dice: self._for(dice, self._refused),
            "tokens ended": lambda _: self._api.expire_tokens(),
        }

    def _for(self, dice: Random, answer: Callable[[Call], object]) -> None:
        with self._answering(answer):
            time.sleep(dice.uniform(2, 6))

    @contextmanager
    def _answering(self, answer: Callable[[Call], object]) -> Iterator[None]:
        self._api.fault = lambda call: call.endpoint == "kf/sync_msg" and answer(call) is not False
        yield
        self._api.fault = None

    def _empty(self, call: Call) -> object:
        """Say of every second cursor that nothing is there, and that more follows."""
        asked = int(call.json.get("cursor") or "0")
        if asked % 2 or asked >= len(self._api.customer):
            return False
        call.say({"errcode": 0, "next_cursor": str(asked), "has_more": 0, "msg_list": []})
        return None

    def _refused(self, call: Call) -> object:
        if not call.json.get("cursor"):
            return False
        call.say({"errcode": 95002, "errmsg": "invalid cursor"})
        return None


def _event(number: int) -> str:
    fields = f"<MsgType>event</MsgType><Event>kf_msg_or_event</Event><Token>ENC{number}</Token>"
    head = f"<ToUserName>{CORPID}</ToUserName><CreateTime>{int(time.time())}</CreateTime>"
    return f"<xml>{head}{fields}<OpenKfId>{KFID}</OpenKfId></xml>"


def _said(number: int) -> dict[str, Any]:
    return {
        "msgid": f"bench-kf-{number}",
        "open_kfid": KFID,
        "external_userid": f"wm{number % 50}",
        "send_time": int(time.time()),
        "origin": 3,
        "msgtype": "text",
        "text": {"content": f"路灯坏了 {numbered(number)}"},
    }
