"""A clock that is set while we run makes no push old; what is old, or early, by either reading stays so."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from connectors.base import PushConnector, Request
from connectors.phone.connector import Phone
from connectors.phone.settings import PhoneSettings
from connectors.runtime.clock import Moments
from connectors.wechat.connector import WeChat
from connectors.wechat.settings import WeChatSettings, WeComSettings
from connectors.wechat.wecom import WeCom
from connectors.weibo.push import Weibo
from connectors.weibo.settings import WeiboSettings
from tests.connectors.phone import posts
from tests.connectors.pushed import refusal
from tests.connectors.wechat import callbacks, test_corporate
from tests.connectors.weibo import pushes
from tests.rows import each_row

HOUR = timedelta(hours=1)


class Clock:
    """Shows what it is set to."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def test_what_has_passed_since_the_start_is_the_other_reading() -> None:
    start, passed = datetime(2026, 11, 30, 12, tzinfo=UTC), [0.0]
    clock = Clock(start)
    moments = Moments(clock, lambda: passed[0])
    passed[0] = 60
    clock.now = start - HOUR
    assert moments.nearest(start + timedelta(seconds=61)) == start + timedelta(seconds=60)
    assert moments.nearest(start - HOUR) == start - HOUR


class Signed(NamedTuple):
    """A connector whose platform signs the time, and a push of the moment `now`."""

    make: Callable[[Clock], PushConnector]
    push: Callable[[], Request]
    now: datetime


def wechat(clock: Clock) -> WeChat:
    account: dict[str, Any] = {"appid": callbacks.APPID, "tokens": [callbacks.TOKEN], "modes": ["plain"]}
    return WeChat(WeChatSettings(**account, jurisdiction="110000"), "city", clock)


def wecom(clock: Clock) -> WeCom:
    account: dict[str, Any] = {"corpid": test_corporate.CORP, "tokens": [test_corporate.TOKEN]}
    return WeCom(WeComSettings(**account, aes_keys=[test_corporate.AES_KEY], jurisdiction="110000"), "office", clock)


def weibo(clock: Clock) -> Weibo:
    account: dict[str, Any] = {"app_secrets": [pushes.SECRET], "jurisdiction": "110000"}
    return Weibo(WeiboSettings(**account), "city", clock)


def phone(clock: Clock) -> Phone:
    account: dict[str, Any] = {"secrets": [posts.SECRET], "jurisdiction": "210100"}
    return Phone(PhoneSettings(**account), "cti", clock)


SIGNED: Mapping[str, Signed] = {
    "wechat": Signed(wechat, lambda: callbacks.push(callbacks.text(), "plain"), callbacks.NOW),
    "wecom": Signed(wecom, lambda: test_corporate.push(test_corporate.TEXT), callbacks.NOW),
    "weibo": Signed(weibo, lambda: pushes.push(pushes.text()), pushes.NOW),
    "phone": Signed(phone, lambda: posts.signed(posts.RECORD), posts.NOW),
}


@each_row("moved", [-HOUR, HOUR], ids=str)
@each_row("name", SIGNED)
def test_a_clock_that_is_set_while_we_run_refuses_nobody(name: str, moved: timedelta) -> None:
    signed = SIGNED[name]
    connector = signed.make(clock := Clock(signed.now))
    clock.now += moved
    assert connector.accept(signed.push()).messages


@each_row("moved", [-HOUR, HOUR], ids=str)
@each_row("name", SIGNED)
def test_one_that_was_wrong_and_is_set_right_does_not_either(name: str, moved: timedelta) -> None:
    signed = SIGNED[name]
    connector = signed.make(clock := Clock(signed.now + moved))
    assert refusal(connector, signed.push())[1] == "timestamp"
    clock.now = signed.now
    assert connector.accept(signed.push()).messages
