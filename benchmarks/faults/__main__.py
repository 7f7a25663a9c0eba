"""`hotline bench faults --seed N --minutes M [--messages 20000] [--seeds K]`: nothing is lost, whatever breaks.

Prints one line of JSON for every seed; exit code 1 when a run found anything wrong. `--json` prints one line alone: the
verdict on all seeds. Without Dovecot no mails are sent, and only for root a full disk is among the faults: `left_out`
says so. `--keep FOLDER` leaves the logs of every component there.
"""

import argparse
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.faults.run import Plan, Report, run


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all seeds: `wrong` counts what was found, by kind; empty when nothing was."""

    benchmark: str = "faults"
    passed: bool
    seeds: list[int]
    wrong: dict[str, int]
    left_out: dict[str, str]
    """What this machine lacks a peer for, and which."""
    runs: list[Report]

    @classmethod
    def of(cls, reports: list[Report]) -> "Verdict":
        """Return the verdict on some runs."""
        wrong: Counter[str] = Counter()
        for report in reports:
            wrong.update(report.wrong_counts)
        return cls(
            passed=not wrong,
            seeds=[report.seed for report in reports],
            wrong=dict(wrong),
            left_out={name: why for report in reports for name, why in report.left_out.items()},
            runs=reports,
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the seeds one after the other."""
    parser = argparse.ArgumentParser(prog="hotline bench faults", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, counting upwards from --seed")
    parser.add_argument("--minutes", type=float, default=3.0, help="how long the messages of a seed take to send")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="folder for the logs")
    parser.add_argument("--json", action="store_true", help="print the verdict on all seeds as one line of JSON")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the components end, too
    reports: list[Report] = []
    for seed in range(chosen.seed, chosen.seed + chosen.seeds):
        with _folder(chosen.keep, seed) as folder:
            plan = Plan(seed=seed, messages=chosen.messages, minutes=chosen.minutes)
            report = run(plan, folder)
        reports.append(report)
        if not chosen.json:
            print(msgspec.json.encode(report).decode(), flush=True)
    verdict = Verdict.of(reports)
    if chosen.json:
        print(msgspec.json.encode(verdict).decode(), flush=True)
    return 0 if verdict.passed else 1


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
