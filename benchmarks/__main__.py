"""`make bench`: every figure of docs/reference/performance.md, one benchmark after the other."""

import subprocess
import sys
import time

NAMES = (
    "publisher",
    "receiver",
    "transport",
    "normalize",
    "near",
    "assign",
    "state",
    "sink",
    "end_to_end",
    "imports",
    "answers",
    "webhooks",
    "desk",
    "engines",
)


def main() -> int:
    """Run each benchmark in a process of its own; the exit code says whether all of them ran."""
    failed = 0
    for name in NAMES:
        print(f"\n== {name}  {time.strftime('%H:%M:%S')}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode != 0
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
