"""What the outbox's reply becomes at the platform's API."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.answers import Reply, Sent
from connectors.wechat.api import Access, NoAnswerError, RefusalError
from connectors.wechat.sender import WeChatSender
from schemas.records import Party

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Platform:
    """Stands for the API; notes what it was asked."""

    def __init__(self, answers: Exception | None = None) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def call(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((endpoint, body))
        if self.answers is not None:
            raise self.answers
        return {}

    def close(self) -> None:
        pass


def sender(platform: Platform, kind: str = "official") -> WeChatSender:
    access = Access(kind, "wx1", SecretStr("s"), "https://api.weixin.example")  # type: ignore[arg-type] # one of the two
    return WeChatSender(access, platform)  # type: ignore[arg-type] # only `call` is asked


def reply(kind: str = "wechat_mp", written_to: str | None = None, party: str = "openid") -> Reply:
    return Reply(
        reply_id="t:receipt", jurisdiction="210100", channel_kind=kind, account="city", text="已收到",
        recipient=Party(kind=party, value="o-lin"), received_at=NOW, written_to=written_to,
    )  # fmt: skip


async def test_a_follower_gets_a_customer_service_message() -> None:
    platform = Platform()
    assert await sender(platform).send(reply()) == Sent(outcome="accepted", code="ok")
    ((endpoint, body),) = platform.asked
    assert endpoint == "message/custom/send"
    assert (body["touser"], body["text"]) == ("o-lin", {"content": "已收到"})


async def test_customer_service_answers_as_the_account_that_was_written_to_and_names_the_message() -> None:
    platform = Platform()
    corporate = sender(platform, "corporate")
    assert (await corporate.send(reply("wecom_kf", "wk1"))).outcome == "accepted"
    assert (await corporate.send(reply("wecom_kf", "wk1"))).outcome == "accepted"
    first, second = (body for _, body in platform.asked)
    assert first == second
    assert (first["open_kfid"], first["touser"]) == ("wk1", "o-lin")
    assert len(first["msgid"]) == 32


@pytest.mark.parametrize("one", [reply("wecom"), reply("wecom_kf", None), reply("wecom_kf", "wk1", party="name")])
async def test_what_has_no_way_back_is_refused_and_nobody_is_asked(one: Reply) -> None:
    platform = Platform()
    assert (await sender(platform, "corporate").send(one)).outcome == "refused"
    assert platform.asked == []


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        (RefusalError(45015), Sent(outcome="refused", code="window_closed")),
        (RefusalError(-1), Sent(outcome="unknown", code="no_answer")),
        (NoAnswerError("no answer", sent=True), Sent(outcome="unknown", code="no_answer")),
    ],
)
async def test_what_the_platform_answers(answers: Exception, sent: Sent) -> None:
    assert await sender(Platform(answers)).send(reply()) == sent


async def test_what_never_left_is_raised() -> None:
    with pytest.raises(NoAnswerError):
        await sender(Platform(NoAnswerError("no connection", sent=False))).send(reply())
