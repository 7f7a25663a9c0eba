"""Live parts: once rendered for an audience, sent if changed, with a beat, until the session or the server ends."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from console import live
from console.live import EventStream, Live
from schemas.errors import UnreachableError


class Source:
    """A part that tests change; counts how often it is rendered."""

    def __init__(self) -> None:
        self.part, self.rendered, self.goes_on = "one", 0, True

    def render(self) -> str:
        self.rendered += 1
        return self.part


def opened(shown: Live, source: Source, audience: str = "a") -> AsyncGenerator[str]:
    return shown.stream(audience, source.render, lambda: "now", lambda: source.goes_on)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "RENDER_SECONDS", 0.01)


async def test_a_stream_has_a_beat_the_part_and_then_only_changes() -> None:
    shown, source = Live(), Source()
    events = opened(shown, source)
    assert await anext(events) == "event: beat\ndata: now\n\n"
    assert await anext(events) == "event: part\ndata: one\n\n"
    waiting = asyncio.ensure_future(anext(events))
    shown.changed()  # nothing that is seen
    await asyncio.sleep(0.05)
    assert not waiting.done()
    source.part = "two\nlines"
    shown.changed()
    assert await waiting == "event: part\ndata: two\ndata: lines\n\n"
    await events.aclose()


async def test_an_audience_is_rendered_once_however_many_look() -> None:
    shown, source = Live(), Source()
    streams = [opened(shown, source) for _ in range(40)]
    for stream in streams:
        assert "beat" in await anext(stream)
        assert "one" in await anext(stream)
    assert source.rendered == 1
    other = opened(shown, source, "b")
    await anext(other)
    assert "one" in await anext(other)
    assert source.rendered == 2
    for stream in (*streams, other):
        await stream.aclose()


async def test_beats_go_on_while_nothing_changes_and_end_with_the_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.01)
    shown, source = Live(), Source()
    events = opened(shown, source)
    told = [await anext(events) for _ in range(4)]
    assert [one.split("\n")[0] for one in told] == ["event: beat", "event: part", "event: beat", "event: beat"]
    source.goes_on = False
    assert [one async for one in events] == []


async def test_the_end_of_the_server_ends_every_stream() -> None:
    shown, source = Live(), Source()
    events = opened(shown, source)
    await anext(events)
    await anext(events)
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    shown.close()
    with pytest.raises(StopAsyncIteration):
        await waiting


async def test_there_are_only_so_many_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STREAMS_MAX", 1)
    shown, source = Live(), Source()
    shown.open()
    events = opened(shown, source)
    await anext(events)
    with pytest.raises(UnreachableError):
        shown.open()
    await events.aclose()
    shown.open()


async def test_a_browser_that_takes_nothing_is_hung_up_and_one_that_goes_ends_its_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "SEND_SECONDS", 0.01)
    shown, source = Live(), Source()
    never, bodies = asyncio.Event(), 0

    async def stays() -> dict[str, Any]:
        await never.wait()
        return {}

    async def goes() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def stuck(message: Any) -> None:
        nonlocal bodies
        bodies += message["type"] == "http.response.body"
        if message.get("more_body"):
            await never.wait()

    await EventStream(opened(shown, source))({}, stays, stuck)
    assert bodies == 2  # the first piece, and the end
    await EventStream(opened(shown, source))({}, goes, stuck)
    shown.open()
    assert live.metrics.STREAMS._value.get() == 0
