"""A real Asterisk, called by SIPp: its manager interface, its restart, and its file of call detail records.

`HOTLINE_ASTERISK=/tmp/asterisk .ci/asterisk_fetch.sh /tmp/asterisk` first; without one these tests are skipped, or
fail where HOTLINE_REQUIRE_PEERS=1.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connectors.asterisk.connector import Asterisk as Connector
from connectors.asterisk.settings import AsteriskSettings
from normalizers.base import Policy
from normalizers.pipeline import normalize
from schemas.errors import UnauthorizedError, UnreachableError
from schemas.records import Message
from tests.connectors.asterisk.fake import Held
from tests.connectors.call_files.growing import Folder
from tests.peers import asterisk
from tests.peers.asterisk import Asterisk
from tests.peers.presence import require
from tests.waiting import soon

pytestmark = pytest.mark.integration

MASTER = {"shape": "asterisk", "pattern": "Master.csv*", "growing": True, "platform": "pbx", "timezone": "UTC"}


@pytest.fixture
def pbx() -> Iterator[Asterisk]:
    require(asterisk.missing())
    with Asterisk() as running:
        yield running


def connector(pbx: Asterisk, secret: str = "secret") -> Connector:
    settings = AsteriskSettings(
        host="127.0.0.1", port=pbx.ami, username="hotline", secret=secret, jurisdiction="210100", timezone="UTC"
    )
    return Connector(settings, "pbx")


def understood(held: Held) -> list[Message]:
    return [normalize(message, Policy()).message for message in held.messages]


ENDS = ("LINKEDID_END", ":cdr:", ":hangup:")
"""What Asterisk tells of the end of a call, in any order."""


async def following(pbx: Asterisk, held: Held, calls: int) -> None:
    """Follow the calls that come while this lasts."""
    running = asyncio.create_task(connector(pbx).run(held))
    lively, before = held.lively, len(held.ids)
    async with asyncio.timeout(90):
        await soon(lambda: held.lively != lively)
        for _ in range(calls):
            await asyncio.to_thread(pbx.call)
        await soon(lambda: all(sum(word in one for one in held.ids[before:]) >= calls for word in ENDS))
    running.cancel()
    await asyncio.wait({running})


async def test_a_real_call_is_told_by_events_and_by_the_file_as_one(pbx: Asterisk) -> None:
    held = Held()
    await following(pbx, held, 1)
    kinds = sorted(one.split(":")[1] for one in held.ids)
    assert kinds == ["cdr", "cel", "cel", "cel", "hangup", "user"]
    folder = Folder(pbx.records, MASTER, taken_at=datetime.now(UTC))
    (line,) = folder.all()
    assert line.envelope.id in held.ids
    by_line = normalize(line, Policy()).message
    by_event = next(one for one in understood(held) if one.id == line.envelope.id)
    assert by_line.features.message_key == by_event.features.message_key
    assert by_line.call == by_event.call
    assert len({one.features.message_key for one in understood(held)}) == 1
    assert [one.text for one in understood(held) if one.message_class == "person"] == [
        "The lamp at 12 Zhongshan Road is broken"
    ]


async def test_what_happens_while_we_are_away_is_in_the_file(pbx: Asterisk) -> None:
    held, folder = Held(), Folder(pbx.records, MASTER)
    await following(pbx, held, 1)
    await asyncio.to_thread(pbx.call)
    pbx.kill()
    with pytest.raises(UnreachableError):
        await connector(pbx).run(held)
    pbx.start()
    await following(pbx, held, 1)
    by_events = {one for one in held.ids if ":cdr:" in one}
    by_lines = {message.envelope.id for message in folder.all()}
    assert len(by_events) == 2
    assert len(by_lines) >= 3  # the one of the call that ended as it was killed may be written, too
    assert by_events < by_lines


async def test_a_wrong_secret_is_refused(pbx: Asterisk) -> None:
    with pytest.raises(UnauthorizedError):
        await connector(pbx, "other").run(Held())
