"""Full disks of Kafka and Elasticsearch, real ones: one broker's, all three, and the archive's, while citizens write.

`python -m benchmarks.faults.disks [--messages 6000] [--minutes 5] [--only "fill all kafka" ...]` as root, who may
mount: three brokers as in `brokers.py`, and each server has an ext4 of its own. What ends is started again and again,
as by a service manager, also while its disk is full. What `hotline doctor` says meanwhile is told on the way. Prints
the report of the fault suite; exit code 1 when it finds anything wrong. `--keep FOLDER` leaves the logs there.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from elasticsearch import ApiError, Elasticsearch, TransportError

from benchmarks.faults.brokers import LONG_SECONDS, NODES, Brokers, main, say
from schemas import topics
from schemas.contract.index_templates import indices

DISK_MB = 320
NEARLY_BYTES = 8 << 20
"""Left on the archive's disk: less than the 5 % below which Elasticsearch takes nothing more."""
BLOCK_SECONDS = 120.0


class Disks(Brokers):
    """Three brokers and one node of Elasticsearch, each on a small disk."""

    def more_faults(self) -> Mapping[str, Callable[[], None]]:
        return {name: partial(fault, self) for name, fault in FAULTS.items()}

    def _start_kafka(self, standing: ExitStack) -> None:
        for name in (*(f"kafka-{node}/kafka/data" for node in NODES), "elasticsearch/data"):
            standing.enter_context(small_disk(self.folder / name))
        super()._start_kafka(standing)

    def fill_one(self) -> None:
        """Fill the disk of a leader; the others go on without it."""
        self.full_brokers([self.leader(topics.EVENT, 0)])

    def fill_all(self) -> None:
        """Fill the disks of all brokers, as such disks fill: at one time."""
        self.full_brokers(list(NODES))

    def full_brokers(self, nodes: list[int]) -> None:
        """Fill these brokers' disks for a while."""
        disks = [self.folder / f"kafka-{node}/kafka/data" for node in nodes]
        say(f"the disks of brokers {nodes} are full")
        for disk in disks:
            fill(disk)
        time.sleep(LONG_SECONDS)
        self.ask_the_doctor()
        say("there is room again")
        for disk in disks:
            (disk / "filler").unlink()
        self.await_copies()

    def flood(self) -> None:
        """Let the archive's disk fill until Elasticsearch takes no documents (flood stage), and make room again."""
        with Elasticsearch(self.elasticsearch_url, request_timeout=60) as client:
            disk = "cluster.routing.allocation.disk.threshold_enabled"
            client.cluster.put_settings(persistent={disk: True, "cluster.info.update.interval": "10s"})
            fill(self.folder / "elasticsearch/data", NEARLY_BYTES)
            self.await_block(client, True)
            time.sleep(LONG_SECONDS)
            self.ask_the_doctor()
            (self.folder / "elasticsearch/data/filler").unlink()
            self.await_block(client, False)

    def await_block(self, client: Elasticsearch, wanted: bool) -> None:
        """Return when the tickets' index takes no documents, or takes them."""
        end = time.monotonic() + BLOCK_SECONDS
        while time.monotonic() < end:
            answer = client.indices.get_settings(index=indices()["ticket"].alias).body
            blocks = [one["settings"]["index"].get("blocks", {}) for one in answer.values()]
            if any(one.get("read_only_allow_delete") == "true" for one in blocks) == wanted:
                say(f"the archive takes {'no documents' if wanted else 'documents'}")
                return
            time.sleep(1)
        say("NOT as it should be: the archive's block")

    def fill_archive(self) -> None:
        """Fill the archive's disk to its last byte."""
        say("the disk of the archive is full")
        fill(self.folder / "elasticsearch/data")
        time.sleep(2 * LONG_SECONDS)
        self.ask_the_doctor()
        (self.folder / "elasticsearch/data/filler").unlink()
        say("there is room again")
        end = time.monotonic() + BLOCK_SECONDS
        while time.monotonic() < end and (status := self.health()) == "red":
            time.sleep(2)
        say(f"Elasticsearch is {status}")

    def health(self) -> str:
        """Return the colour of the archive, `red` when it has none."""
        with suppress(ApiError, TransportError), Elasticsearch(self.elasticsearch_url, request_timeout=5) as client:
            return str(client.cluster.health()["status"])
        return "red"

    def ask_the_doctor(self) -> None:
        """Tell what an operator is told now."""
        done = subprocess.run(
            [sys.executable, "-m", "hotline", "doctor", "assign", "sink:elastic", "receiver"],
            env=self.settings(),
            capture_output=True,
            text=True,
            check=False,
        )
        say(done.stdout + done.stderr)


FAULTS: Mapping[str, Callable[[Disks], None]] = {
    "fill one kafka": Disks.fill_one,
    "fill all kafka": Disks.fill_all,
    "flood stage elasticsearch": Disks.flood,
    "fill elasticsearch": Disks.fill_archive,
}


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Mount an ext4 on `folder`, as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    image = folder.with_name(f"{folder.name}.ext4")
    with image.open("wb") as file:
        file.truncate(DISK_MB << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def fill(folder: Path, left: int = 0) -> None:
    """Fill the disk of `folder` up to `left` bytes."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while _free(folder) > left:
                    file.write(bytes(size))
        os.fsync(file.fileno())


def _free(folder: Path) -> int:
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


if __name__ == "__main__":
    sys.exit(main(Disks, tuple(FAULTS), __doc__))
