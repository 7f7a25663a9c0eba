"""The journal of a host that is gone is emptied into Kafka elsewhere."""

import json
import random
from pathlib import Path

import pytest

from broker.config import KafkaConnection
from connectors.publish.disk_buffer import Journal
from connectors.publish.durable_publisher import LARGE
from schemas import topics
from schemas.records.raw import INLINE_LIMIT
from tests.connectors.pushed import AT, message
from tests.hotline.letters import hotline, lines, read

pytestmark = pytest.mark.integration

WORDS = "三楼着火了".encode()


def test_what_waits_in_a_journal_is_shown_and_drained(operators_kafka: KafkaConnection, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    wrong = hotline("journal", "show", str(folder))
    assert (wrong.exit_code, "not the folder of a journal" in wrong.output, folder.exists()) == (2, True, False)
    journal = Journal(folder)
    large = journal.within(LARGE)
    journal.append([message("1", WORDS), message("2", WORDS, channel="sms")])
    large.append([message("3", random.Random(1).randbytes(INLINE_LIMIT + 1))])
    assert "another process uses the journal" in hotline("journal", "drain", str(folder)).output
    large.close()
    journal.close()
    (folder / "0.1.bad").write_bytes(b"torn")
    shown = hotline("journal", "show", str(folder), "--json")
    assert WORDS.decode() not in shown.output
    counts = [(one["journal"], one["channel"], one["messages"], one["bytes"]) for one in lines(shown)]
    wanted = {("small", "wechat", 1, len(WORDS)), ("small", "sms", 1, len(WORDS))}
    assert {*counts} == wanted | {("large", "wechat", 1, INLINE_LIMIT + 1)}
    assert lines(shown)[0]["oldest"] == AT.isoformat().replace("+00:00", "Z")
    drained = hotline("journal", "drain", str(folder), "--json")
    assert json.loads(drained.stdout) == {"published": 3, "set_aside": 1}
    found = [record for channel in ("wechat", "sms") for record in read(operators_kafka, topics.raw(channel))]
    assert {dict(record.headers)["ce_id"] for record in found} == {b"1", b"2", b"3"}
    assert hotline("journal", "show", str(folder)).output.startswith("Nothing waits")
    again = hotline("journal", "drain", str(folder))
    assert again.output.startswith("0 messages are in Kafka, and the journal is empty.")
    assert "1 file of unreadable bytes" in again.output
