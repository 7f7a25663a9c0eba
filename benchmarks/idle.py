"""`python -m benchmarks.idle`: how long a report of another address waits while one address holds 1,030 connections.

The web door runs behind the real server with its default limits. 127.0.0.1 opens the connections and sends six bytes of
a body on each; 127.0.0.2 then reports a fire. Prints one JSON line: seconds of each of ten reports, median and longest.
"""

import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.connectors.web.doors import Door
from tests.connectors.web.test_shares import call, head, report, served

CONNECTIONS = 1_030
REPORTS = 10


def main() -> None:
    """Measure and print."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(served(Door(folder), {"connections_per_address": 128}))
        for _ in range(CONNECTIONS):
            call(stack, port, head(1_000) + b"text=x")
        seconds = []
        for number in range(REPORTS):
            begun = time.perf_counter()
            answer = report(port, text=f"{number}号楼着火了，快来人啊")
            seconds.append(time.perf_counter() - begun)
            assert answer.status_code == 303, answer.text
    print(
        json.dumps(
            {
                "connections": CONNECTIONS,
                "reports": REPORTS,
                "median_s": round(statistics.median(seconds), 3),
                "longest_s": round(max(seconds), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
