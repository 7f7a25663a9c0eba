"""A process that four threads of append to a journal until it is killed; it prints what it was promised."""

import os
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from connectors.journal import Journal
from schemas.records import raw_message

AT = datetime(2026, 11, 25, tzinfo=UTC)


def write(journal: Journal, name: int) -> None:
    for number in range(1_000_000):
        identifier = f"{name}-{number}"
        message = raw_message(
            channel="wechat",
            channel_kind="wechat_mp",
            account="city",
            jurisdiction="110000",
            identifier=identifier,
            value=b"x" * 300,
            content_type="text/xml",
            time=AT,
            recorded=AT,
        )
        journal.append([message])
        os.write(1, f"{identifier}\n".encode())  # in one piece


if __name__ == "__main__":
    shared = Journal(Path(sys.argv[1]), segment_max_bytes=20_000)
    for thread in range(4):
        threading.Thread(target=write, args=(shared, thread)).start()
