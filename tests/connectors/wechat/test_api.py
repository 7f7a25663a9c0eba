"""The platform's API: one token for all who ask, one refresh, and no fault that is not ours to name."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from wechatpy import exceptions as theirs
from wechatpy.client import WeChatClient

from connectors.wechat import api as ours
from connectors.wechat.api import Api, NoAnswerError, RefusalError
from hotline.dev.demo.wechat_api import Call, WeChatApi
from schemas.errors import PipelineError, ThrottledError, UnauthorizedError
from tests.connectors.wechat.slow import dribbling, hanging

pytestmark = pytest.mark.integration

SAY = {"touser": "o-lin", "msgtype": "text", "text": {"content": "已收到"}}


def say(api: Api) -> dict[str, Any]:
    return api.call("message/custom/send", SAY)


def answering(body: bytes, kind: str = "text/plain", status: int = 200, only: str = "message/custom/send") -> Any:
    def fault(call: Call) -> bool:
        if call.endpoint != only:
            return False
        call.send(body, kind, status=status)
        return True

    return fault


def test_two_processes_share_the_token_that_the_platform_keeps(
    platform: WeChatApi, make_api: Callable[..., Api]
) -> None:
    one, other = make_api(), make_api()
    for _ in range(5):
        say(one)
        say(other)
    assert platform.tokens_given == 1
    assert platform.calls.count("stable_token") == 2


def test_wechatpys_own_clients_take_the_token_from_each_other(platform: WeChatApi) -> None:
    """Why we ask `stable_token`; and that the platform on loopback is one for others, too."""
    one, other = (_stock(platform) for _ in range(2))
    for _ in range(3):
        one.message.send_text("o-lin", "已收到")
        other.message.send_text("o-lin", "已收到")
    assert platform.tokens_given == 6
    platform.media["m1"] = (b"\xff\xd8\xff\xe0JPEG", "image/jpeg")
    assert one.media.download("m1").content == b"\xff\xd8\xff\xe0JPEG"
    with pytest.raises(theirs.WeChatClientException) as caught:
        one.media.download("gone")
    assert caught.value.errcode == 40007


def _stock(platform: WeChatApi) -> WeChatClient:
    """wechatpy's client as it is, sent to loopback: its token address is written into it."""

    class Redirect(requests.adapters.HTTPAdapter):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            request.url = platform.url + request.path_url
            return super().send(request, **options | {"proxies": None})

    client = WeChatClient("wx1", "app-secret")
    client._http.mount("https://", Redirect())
    return client


@pytest.mark.parametrize("status", [302, 307, 308])
@pytest.mark.parametrize("asked", ["stable_token", "message/custom/send"])
def test_no_redirect_carries_our_secret_or_a_citizens_words_elsewhere(
    platform: WeChatApi, api: Api, asked: str, status: int
) -> None:
    elsewhere: list[str] = []

    def fault(call: Call) -> bool:
        if call.endpoint == asked:
            call.handler.send_response(status)
            call.handler.send_header("Location", f"{platform.url}/cgi-bin/elsewhere")
            call.handler.send_header("Content-Length", "0")
            call.handler.end_headers()
            return True
        if call.endpoint == "elsewhere":
            elsewhere.append(call.endpoint)
            call.send(b'{"errcode": 0, "access_token": "t", "expires_in": 7200}', "application/json")
            return True
        return False

    platform.fault = fault
    with pytest.raises(NoAnswerError) as caught:
        say(api)
    assert (elsewhere, caught.value.sent) == ([], asked != "stable_token")


@pytest.mark.parametrize("asked", ["stable_token", "message/custom/send"])
def test_no_dribbled_answer_keeps_an_account_for_ever(
    platform: WeChatApi, make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    monkeypatch.setattr(ours, "WHOLE_SECONDS", 0.3)
    api = make_api()
    platform.fault = dribbling(asked)
    with pytest.raises(NoAnswerError) as caught:
        say(api)
    assert caught.value.sent == (asked != "stable_token")
    platform.fault = None
    say(api)


def test_no_answer_is_larger_than_its_limit(
    platform: WeChatApi, make_api: Callable[..., Api], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "BODY_MAX_BYTES", 1000)
    api = make_api()
    platform.fault = answering(b'{"errcode":0,"errmsg":"%s"}' % (b"x" * 1000))
    with pytest.raises(NoAnswerError):
        say(api)


def test_many_threads_ask_for_one_token(platform: WeChatApi, api: Api) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: say(api), range(24)))
    assert platform.calls.count("stable_token") == 1


def test_a_token_that_ended_is_replaced_once(platform: WeChatApi, api: Api) -> None:
    say(api)
    platform.expire_tokens()
    assert say(api)["errcode"] == 0
    assert platform.calls.count("stable_token") == 2
    assert len(platform.replies) == 2


def test_a_token_is_not_asked_for_again_until_shortly_before_its_end(
    platform: WeChatApi, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(api)
    say(api)
    assert platform.calls.count("stable_token") == 1
    monkeypatch.setattr(ours, "EARLY", 7200)
    api._client.forget(api._client.access_token)
    say(api)
    say(api)
    assert platform.calls.count("stable_token") == 2  # a token of no length is still good for a minute


def test_a_platform_that_always_refuses_the_token_is_asked_twice_and_no_storm(platform: WeChatApi, api: Api) -> None:
    platform.fault = answering(b'{"errcode":40001,"errmsg":"invalid credential"}')
    with pytest.raises(UnauthorizedError):
        say(api)
    assert (platform.calls.count("stable_token"), platform.calls.count("message/custom/send")) == (2, 2)


@pytest.mark.parametrize("errcode", [40013, 40125, 40164, 48001, 50002, 60020])
def test_refused_credentials_are_a_persons_matter(platform: WeChatApi, api: Api, errcode: int) -> None:
    platform.fault = answering(f'{{"errcode":{errcode},"errmsg":"no"}}'.encode(), only="stable_token")
    with pytest.raises(UnauthorizedError):
        say(api)


def test_a_used_up_quota_waits_for_midnight_in_shanghai(platform: WeChatApi, make_api: Callable[..., Api]) -> None:
    platform.fault = answering(b'{"errcode":45009,"errmsg":"reach max api daily quota limit"}')
    api = make_api(now=lambda: datetime(2026, 11, 25, 15, 0, tzinfo=UTC))  # 23:00 there
    with pytest.raises(ThrottledError) as caught:
        say(api)
    assert caught.value.retry_after == 65 * 60


def test_a_company_s_quota_is_a_minute_s(platform: WeChatApi, make_api: Callable[..., Api]) -> None:
    """企业微信 counts by the minute and the hour: whoever waited for midnight would hear nobody all day."""
    platform.fault = answering(b'{"errcode":45009,"errmsg":"api freq out of limit"}')
    with pytest.raises(ThrottledError) as caught:
        say(make_api("corporate"))
    assert caught.value.retry_after == 60


def test_too_often_in_a_minute_waits_a_minute(platform: WeChatApi, api: Api) -> None:
    platform.fault = answering(b'{"errcode":45011,"errmsg":"api minute-quota reach limit"}')
    with pytest.raises(ThrottledError) as caught:
        say(api)
    assert caught.value.retry_after == 60


NO_ANSWERS = {
    "502": answering(b"bad gateway", "text/html", 502),
    "a page": answering(b"<html>maintenance</html>", "text/html"),
    "nothing": answering(b""),
    "a list": answering(b"[]"),
    "half an answer": answering(b'{"errcode":0,"err'),
    "no json": answering("路灯".encode("gbk")),
}


@pytest.mark.parametrize("fault", NO_ANSWERS)
def test_what_is_no_answer_may_have_arrived(platform: WeChatApi, api: Api, fault: str) -> None:
    platform.fault = NO_ANSWERS[fault]
    with pytest.raises(NoAnswerError) as caught:
        say(api)
    assert caught.value.sent
    with pytest.raises(NoAnswerError):
        api.fetch("message/custom/send", SAY)


@pytest.mark.parametrize(
    "fault", [b"", b"{}", b'{"access_token":""}', b'{"access_token":"T","expires_in":"soon"}', b"[]"]
)
def test_without_a_token_nothing_was_sent(platform: WeChatApi, api: Api, fault: bytes) -> None:
    platform.fault = answering(fault, only="stable_token")
    with pytest.raises(NoAnswerError) as caught:
        say(api)
    assert not caught.value.sent
    assert platform.replies == []


def test_a_platform_that_hangs_is_given_up(platform: WeChatApi, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ours, "TIMEOUT", (60.0, 0.2))
    with hanging(platform), pytest.raises(NoAnswerError):
        say(api)


def test_nobody_there() -> None:
    nowhere = Api(ours.Access("official", "wx1", ours.SecretStr("app-secret"), "http://127.0.0.1:9"))
    with pytest.raises(NoAnswerError) as caught:
        say(nowhere)
    assert not caught.value.sent


def test_a_companys_token_is_its_own(platform: WeChatApi, make_api: Callable[..., Api]) -> None:
    one, other = make_api("corporate"), make_api("corporate")
    one.call("kf/send_msg", {**SAY, "open_kfid": "wk"})
    other.call("kf/send_msg", {**SAY, "open_kfid": "wk"})
    assert (platform.calls.count("gettoken"), platform.tokens_given) == (2, 1)


ALL = [error for error in vars(theirs).values() if isinstance(error, type) and issubclass(error, Exception)]
THEIRS = [error for error in ALL if issubclass(error, theirs.WeChatClientException)]
REQUESTS = [
    error
    for error in vars(requests.exceptions).values()
    if isinstance(error, type) and issubclass(error, requests.RequestException)
]


@pytest.mark.parametrize("error", [*THEIRS, *REQUESTS], ids=lambda error: error.__name__)
def test_whatever_the_libraries_raise_becomes_ours_and_tells_no_secret(api: Api, error: type[Exception]) -> None:
    say(api)

    def broken(*_: object, **__: object) -> None:
        made = error.__new__(error, "o-lin T1 app-secret")
        made.errcode = 40007  # type: ignore[attr-defined] # wechatpy's have one
        raise made

    api._client.post = broken
    with pytest.raises(PipelineError) as caught:
        say(api)
    for secret in ("o-lin", "T1", "app-secret"):
        assert secret not in str(caught.value)


def test_a_refusal_about_the_request_is_the_callers_to_judge(platform: WeChatApi, api: Api) -> None:
    platform.fault = answering(b'{"errcode":45015,"errmsg":"response out of time limit, o-lin"}')
    with pytest.raises(RefusalError) as caught:
        say(api)
    assert caught.value.errcode == 45015
    assert "o-lin" not in str(caught.value)
