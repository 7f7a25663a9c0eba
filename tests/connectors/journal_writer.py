"""A process that four threads of append to a journal until it is killed; it prints what it was promised."""

import os
import sys
import threading
from pathlib import Path

from connectors.publish.disk_buffer import Journal
from tests.connectors.pushed import message


def write(journal: Journal, name: int) -> None:
    for number in range(1_000_000):
        identifier = f"{name}-{number}"
        journal.append([message(identifier)])
        os.write(1, f"{identifier}\n".encode())  # in one piece


if __name__ == "__main__":
    shared = Journal(Path(sys.argv[1]), segment_max_bytes=20_000)
    for thread in range(4):
        threading.Thread(target=write, args=(shared, thread)).start()
