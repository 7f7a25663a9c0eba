"""`hotline bench faults --seed N --minutes M [--messages 20000] [--seeds K]`: nothing is lost, whatever breaks.

Prints one line of JSON for every seed; exit code 1 when a run found anything wrong. Needs Dovecot; as root also a full
disk is among the faults. `--keep FOLDER` leaves the logs of every component there.
"""

import argparse
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.faults.run import Plan, run
from tests.peers.dovecot import missing


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds one after the other."""
    parser = argparse.ArgumentParser(prog="hotline bench faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting upwards from --seed")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long the messages of a seed take to send")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="folder for the logs")
    chosen = parser.parse_args(arguments)
    if lacking := missing():
        parser.error(lacking)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the components end, too
    failed = 0
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        with _folder(chosen.keep, seed) as folder:
            plan = Plan(seed=seed, messages=chosen.messages, minutes=chosen.minutes)
            report = run(plan, folder)
        print(msgspec.json.encode(report).decode(), flush=True)
        failed += bool(report.wrong)
    return int(failed > 0)


@contextmanager
def _folder(keep: Path | None, seed: int) -> Iterator[Path]:
    """Yield a folder that goes afterwards, or stays in `keep`."""
    if keep is not None:
        (keep / f"seed-{seed}").mkdir(parents=True)
        yield keep / f"seed-{seed}"
        return
    with tempfile.TemporaryDirectory(prefix=f"hotline-faults-{seed}-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    sys.exit(main())
