"""Records a second and peak memory of `hotline import`, beside a bare loop of csv or json and kafka-python.

`python -m benchmarks.imports [RECORDS]`, a million by default; a tenth of them as .xlsx. Each line is a process of its
own.
"""

import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import openpyxl
from kafka import KafkaProducer

from benchmarks.transport import a_kafka
from broker.config import KafkaConnection
from broker.sync_producer import SETTINGS
from hotline.admin.topics import Provision
from schemas import topics

HEADER = ["工单编号", "来电人", "来电号码", "受理时间", "诉求类型", "诉求内容", "承办单位"]
BODY = "岳麓区麓山路与新民路路口的路灯已经坏了三天，晚上非常危险，希望尽快维修。" * 2
BATCH = 1_000

Rows = Iterator[list[str]]


def rows(count: int) -> Rows:
    """Yield tickets as exports have them; no two are the same."""
    for number in range(count):
        day, minute = number % 28 + 1, number % 60
        phone = f"138{number % 100_000_000:08d}"
        said = f"{number}号：{BODY}"
        yield [f"SY{number:08d}", "王先生", phone, f"2024-01-{day:02d} 09:{minute:02d}", "投诉", said, "城管局"]


def as_csv(file: Path, count: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(rows(count))


def as_jsonl(file: Path, count: int) -> None:
    with file.open("w", encoding="utf-8") as stream:
        for ticket, name, phone, time_, kind, text, office in rows(count):
            sender = {"kind": "phone", "value": phone, "name": name}
            record = {
                "id": ticket,
                "sender": sender,
                "received_at": time_,
                "kind": kind,
                "text": text,
                "office": office,
            }
            stream.write(json.dumps(record, ensure_ascii=False) + "\n")


def as_xlsx(file: Path, count: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(HEADER)
    for row in rows(count):
        sheet.append(row)
    book.save(file)


def bare(file: Path, bootstrap: str) -> None:
    """Read the file and send each row as JSON: no mapping, no checks, no names, nothing remembered."""
    producer = KafkaProducer(**SETTINGS, bootstrap_servers=bootstrap)
    sent: list[Any] = []
    with file.open(encoding="utf-8", newline="") as stream:
        found = csv.DictReader(stream) if file.suffix == ".csv" else map(json.loads, stream)
        for record in found:
            sent.append(producer.send(topics.BACKFILL, json.dumps(record, ensure_ascii=False).encode()))
            if len(sent) == BATCH:
                for delivery in sent:
                    delivery.get(30)
                sent.clear()
    producer.flush()


def measured(name: str, count: int, work: Callable[[], None]) -> None:
    """Run in a child, which tells its processor time and its peak of memory when it ends."""
    began = time.perf_counter()
    child = os.fork()
    if not child:
        work()
        os._exit(1)  # only a work that replaces the process comes back as a success
    peak, (done, status, used) = 0, os.wait4(child, os.WNOHANG)
    while not done:
        peak = max(peak, resident(child))
        time.sleep(0.05)
        done, status, used = os.wait4(child, os.WNOHANG)
    seconds = time.perf_counter() - began
    if status:
        raise SystemExit(f"{name} failed")
    cpu = (used.ru_utime + used.ru_stime) * 100_000 / count
    print(f"| {name:<38} | {count:>9,} | {count / seconds:>9,.0f} | {cpu:>6.2f} | {peak >> 10:>6} |", flush=True)


def resident(process: int) -> int:
    """Return the peak of a process's memory in KiB since it became the program that it is; `ru_maxrss` is older."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return 0


def replaced(arguments: list[str], **settings: str) -> Callable[[], None]:
    """Return a work that is another program, without its output."""

    def work() -> None:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.execve(sys.executable, [sys.executable, *arguments], {**os.environ, **settings})

    return work


def imported(file: Path, folder: Path, bootstrap: str, *more: str) -> Callable[[], None]:
    arguments = ["-m", "hotline", "import", str(file), "--jurisdiction", "430100", "--json", *more]
    data = folder / f"data-{file.name}-{'-'.join(more)}"
    return replaced(arguments, HOTLINE_KAFKA__BOOTSTRAP_SERVERS=bootstrap, HOTLINE_LOCAL__DATA_DIR=str(data))


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["bare"]:
        bare(Path(sys.argv[2]), sys.argv[3])
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with a_kafka() as bootstrap, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Provision(KafkaConnection(bootstrap_servers=bootstrap)).create_when_started()
        print(f"| {'':<38} | {'records':>9} | {'records/s':>9} | {'CPU-s':>6} | {'MB':>6} |")
        print(f"|{'-' * 40}|{'-' * 11}|{'-' * 11}|{'-' * 8}|{'-' * 8}|")
        for write, suffix, some in ((as_jsonl, "jsonl", count), (as_csv, "csv", count), (as_xlsx, "xlsx", count // 10)):
            tenth, whole = folder / f"tenth.{suffix}", folder / f"whole.{suffix}"
            write(tenth, some // 10)
            write(whole, some)
            measured(f"import .{suffix}", some // 10, imported(tenth, folder, bootstrap))
            measured(f"import .{suffix}", some, imported(whole, folder, bootstrap))
            measured(f"import .{suffix}, all of it known", some, imported(whole, folder, bootstrap))
            measured(f"import .{suffix} --dry-run", some, imported(whole, folder, bootstrap, "--dry-run"))
            if suffix != "xlsx":
                measured(
                    f"bare loop, .{suffix}", some, replaced(["-m", "benchmarks.imports", "bare", str(whole), bootstrap])
                )
            whole.unlink()


if __name__ == "__main__":
    main()
