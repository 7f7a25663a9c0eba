"""Answers by direct message: what the platform took, what it refused, and what nobody can know."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import urllib3
from msgspec.structs import replace
from pydantic import SecretStr

from connectors.replies.base import Reply, Sender, Sent
from connectors.replies.settings import AnswerSettings
from connectors.reply_registry import SENDERS
from connectors.weibo.reply import WeiboSender
from connectors.weibo.settings import TokenSettings, WeiboPullSettings, WeiboSettings
from normalizers.base import Policy
from schemas.errors import MisconfiguredError, ThrottledError, UnauthorizedError, UnreachableError
from schemas.records import Party
from tests.connectors.outbox.answers import intent
from tests.peers.weibo_platform import EXPIRED, GOOD, Platform, running, session
from tickets.receipts import render

NOW = datetime(2026, 11, 25, 8, 30, tzinfo=UTC)
TEXT = "您反映的问题已收到，工单编号 210100-20261125-000001-3，查询码 123456789012。"


@pytest.fixture
def platform() -> Platform:
    return Platform()


def reply(text: str = TEXT, *, uid: str = "2489518277", kind: str = "uid", at: datetime = NOW) -> Reply:
    return Reply(
        reply_id="210100-abc:receipt",
        jurisdiction="210100",
        channel_kind="weibo_dm",
        account="city",
        recipient=Party(kind=kind, value=uid),
        text=text,
        received_at=at,
    )


def sender(platform: Platform, session_of: Callable[[], requests.Session] | None = None, **changes: Any) -> Sender:
    settings = TokenSettings(**{"access_token": GOOD} | changes)
    made = session_of or (lambda: session(platform))
    return WeiboSender(settings, "city", made, clock=NOW.timestamp)


async def test_an_answer_is_sent_once_and_accepted(platform: Platform) -> None:
    sent = await sender(platform).send(reply())
    assert sent == Sent(outcome="accepted", code="200")
    assert platform.replies == [{"receiver_id": "2489518277", "text": TEXT}]
    ((path, form),) = platform.calls
    assert (path, form["type"], form["save_sender_box"]) == ("/2/messages/reply.json", "text", "1")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (reply(at=NOW - timedelta(hours=48)), "window_closed"),
        (reply("字" * 300), "too_long"),
        (reply(kind="name"), "recipient"),
        (reply(uid="o-wechat"), "recipient"),
    ],
    ids=lambda case: case if isinstance(case, str) else "",
)
async def test_what_the_platform_would_refuse_is_not_asked(platform: Platform, wrong: Reply, code: str) -> None:
    assert await sender(platform).send(wrong) == Sent(outcome="refused", code=code)
    assert platform.met == 0


@pytest.mark.parametrize(("status", "code"), [(403, 10014), (400, 20003), (400, "10008"), (403, 21335)])
async def test_what_the_platform_refuses_is_refused_for_ever(platform: Platform, status: int, code: Any) -> None:
    platform.refusal = (status, code)
    assert await sender(platform).send(reply()) == Sent(outcome="refused", code=str(code))


async def test_a_result_that_is_false_is_a_refusal(platform: Platform) -> None:
    platform.raw = b'{"result":false}'
    assert (await sender(platform).send(reply())).outcome == "refused"


@pytest.mark.parametrize("fault", ["html", "drop"])
async def test_when_the_answer_is_lost_nobody_knows_and_nothing_is_sent_again(platform: Platform, fault: str) -> None:
    platform.faults = [fault]
    assert (await sender(platform).send(reply())).outcome == "unknown"
    assert platform.faults == []


@pytest.mark.parametrize(("status", "code"), [(503, 10002), (200, 10001), (502, "x")])
async def test_a_fault_of_the_platform_leaves_it_unknown(platform: Platform, status: int, code: Any) -> None:
    platform.refusal = (status, code)
    assert (await sender(platform).send(reply())).outcome == "unknown"


def failing(error: Exception) -> Callable[[], requests.Session]:
    class Broken(requests.Session):
        def request(self, *_: Any, **__: Any) -> requests.Response:
            raise error

    return Broken


NEVER_LEFT = [
    requests.ConnectTimeout(),
    requests.exceptions.SSLError(),
    requests.ConnectionError(
        urllib3.exceptions.MaxRetryError(
            None,  # type: ignore[arg-type] # no pool
            "/",
            urllib3.exceptions.NewConnectionError(None, "refused"),  # type: ignore[arg-type] # no connection
        )
    ),
]
MAY_HAVE = [
    requests.ReadTimeout(),
    requests.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", ConnectionResetError(104))),
    requests.exceptions.ChunkedEncodingError(),
    TimeoutError(),
]


@pytest.mark.parametrize("error", NEVER_LEFT, ids=lambda error: type(error).__name__)
async def test_what_never_left_comes_again(platform: Platform, error: Exception) -> None:
    with pytest.raises(UnreachableError, match="nothing was sent"):
        await sender(platform, failing(error)).send(reply())


@pytest.mark.parametrize("error", MAY_HAVE, ids=lambda error: type(error).__name__)
async def test_what_may_have_arrived_is_unknown(platform: Platform, error: Exception) -> None:
    assert (await sender(platform, failing(error)).send(reply())).outcome == "unknown"


async def test_too_many_replies_come_again_later(platform: Platform) -> None:
    platform.refusal, platform.reset_in = (403, 10023), 1415
    with pytest.raises(ThrottledError, match="nothing was sent") as caught:
        await sender(platform).send(reply())
    assert caught.value.retry_after in (600, 1415)


async def test_a_refused_token_is_a_person_s_and_is_not_shown_again(platform: Platform, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(EXPIRED)
    answering = sender(platform, access_token=None, access_token_file=file)
    for _ in range(3):
        with pytest.raises(UnauthorizedError) as caught:
            await answering.send(reply())
        assert EXPIRED not in str(caught.value)
    assert platform.met == 1
    file.write_text(GOOD)
    assert (await answering.send(reply())).outcome == "accepted"
    await answering.close()


async def test_without_a_token_nothing_is_answered(platform: Platform) -> None:
    with pytest.raises(MisconfiguredError, match="access_token"):
        await sender(platform, access_token=None).send(reply())


async def test_the_longest_receipt_fits_into_a_message(platform: Platform) -> None:
    outbox = replace(intent(1, urgent=True), channel="weibo")
    text = render.write(outbox, render.wording(), Policy(), b"a query key, long enough").text
    assert (await sender(platform).send(reply(text))).outcome == "accepted"
    assert platform.replies[0]["text"] == text


def _made(section: str, account: Any, answers: AnswerSettings, name: str) -> Sender:
    make = SENDERS[section].make
    assert make is not None
    return make(account, answers, name)


def test_both_kinds_of_accounts_can_answer_and_one_without_a_token_says_so() -> None:
    answers = AnswerSettings()
    pulled = WeiboPullSettings(access_token=SecretStr(GOOD), jurisdiction="210100")
    assert isinstance(_made("weibo_pull", pulled, answers, "lists"), WeiboSender)
    listening: dict[str, Any] = {"app_secrets": ["12345678"], "jurisdiction": "210100"}
    assert _made("weibo", WeiboSettings(**listening, access_token=SecretStr(GOOD)), answers, "city")
    with pytest.raises(MisconfiguredError, match="access_token of the Weibo account is missing"):
        _made("weibo", WeiboSettings(**listening), answers, "city")


@pytest.mark.integration
@pytest.mark.parametrize("fault", ["drop", "502", "html"])
async def test_over_a_real_connection_a_lost_answer_is_unknown_and_the_citizen_has_it_once(fault: str) -> None:
    with running(Platform()) as platform:
        platform.faults = [fault]
        answering = WeiboSender(
            TokenSettings(access_token=SecretStr(GOOD), reply_host=platform.url), "city", clock=NOW.timestamp
        )
        assert (await answering.send(reply())).outcome == "unknown"
        assert [sent["text"] for sent in platform.replies] == [TEXT]
        assert (await answering.send(reply("再说一次"))).outcome == "accepted"
