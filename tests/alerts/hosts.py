"""The processes of a city in trouble, each with its own metrics, as their hosts would run them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from broker.config import KafkaConnection
from tests.peers import hanging_disk
from tests.peers.dovecot import free_ports
from tests.peers.leash import leash

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
NOWHERE = "http://127.0.0.1:9"
"""The port `discard`, where nobody listens."""

SMS, SECRET = "/sms", "alarmsPathSecret0001"
SMALL_JOURNAL_BYTES = 40_000
SILENT_SECONDS = 3600

_MAILBOX = {"HOST": "127.0.0.1", "PORT": "9", "TLS": "none", "USERNAME": "hotline", "PASSWORD": "secret"}


class Hosts:
    """Starts `hotline run` with the settings of one city; `ports` are those of the metrics, by the process's name."""

    def __init__(self, connection: KafkaConnection, folder: Path, smtp_port: int, imap_port: int) -> None:
        self._folder = folder
        self.inbox = folder / "calls"
        self.inbox.mkdir()
        first = free_ports(12, start=20100)
        names = ("stages", "normalize", "cut off", "monitor", "accounts", "gone", "frozen", "successor", "mail")
        self.ports = dict(zip(names, range(first, first + 9), strict=True))
        self.receivers = {"stages": first + 9, "cut off": first + 10}
        self._lmtp = first + 11
        self._store = socket.create_server(("127.0.0.1", 0))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._settings = {
            **_accounts(self.inbox, smtp_port, imap_port),
            "HOTLINE_JURISDICTION": "210100",
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": connection.bootstrap_servers,
            "HOTLINE_KAFKA__PARTITIONS": str(connection.partitions),
            "HOTLINE_KAFKA__REPLICATION_FACTOR": "1",
            "HOTLINE_ELASTICSEARCH__HOSTS": NOWHERE,
            "HOTLINE_REQUESTER_KEYS__K1": "sixteen bytes or more",
            "HOTLINE_QUERY_KEY": "sixteen bytes or more",
            "HOTLINE_TELEMETRY__MONITOR_SECONDS": "1",
            "HOTLINE_TELEMETRY__ACKNOWLEDGE_WITHIN_SECONDS": "1",
            "HOTLINE_TELEMETRY__SILENT_AFTER_SECONDS": str(SILENT_SECONDS),
        }

    @contextmanager
    def all(self) -> Iterator["Hosts"]:
        """Stop what runs at the end."""
        try:
            yield self
        finally:
            for name in list(self._running):
                self.kill(name)
            self._store.close()

    def receiver(self, journal: Path) -> None:
        """Start the receiver alone of the host with the stages, before it reaches Kafka."""
        more = {"HOTLINE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9", "HOTLINE_RECEIVER__JOURNAL_FOLDER": str(journal)}
        more["HOTLINE_RECEIVER__PUBLISH_TIMEOUT_SECONDS"] = "0.2"
        self._start("stages", _hotline("run", "receiver"), self._folder / "before", more)

    def stages(self, journal: Path) -> None:
        """Start what a host runs, without some stages.

        Its disk is nearly full, its blob store answers nothing, and its desk has a fault of ours.
        """
        disk = self._folder / "disk"
        disk.mkdir()
        accounts = [f"connector:{account}" for account in ("away", "broken", "idle", "refusing")]
        components = ["screen", "assign", "outbox", "receiver", *accounts]
        faulty = [sys.executable, str(HERE / "faulty_desk.py"), "run", *components]
        command = [*PRIVATE, f'mount -t tmpfs -o size=64m tmpfs {disk}; exec "$0" "$@"', *faulty]
        store = f"http://127.0.0.1:{self._store.getsockname()[1]}"
        away = {"AWS_ENDPOINT_URL": store, "AWS_REGION": "x", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
        more = {"HOTLINE_BLOBS__URL": "s3://away/blobs", "HOTLINE_RECEIVER__JOURNAL_FOLDER": str(journal)}
        self._start("stages", command, disk, {**away, **more, "AWS_ALLOW_HTTP": "true"})

    def normalize(self) -> None:
        """Start the stage that was missing."""
        self._start("normalize", _hotline("run", "normalize"), self._folder / "normalize", {})

    def cut_off(self) -> None:
        """Start a host that does not reach Kafka, and lets nobody write one of its journals."""
        more = {
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:9",
            "HOTLINE_RECEIVER__JOURNAL_MAX_BYTES": str(SMALL_JOURNAL_BYTES),
            "HOTLINE_RECEIVER__PUBLISH_TIMEOUT_SECONDS": "0.2",
            "HOTLINE_LMTP__PORT": str(self._lmtp),
            "HOTLINE_LMTP__MAILBOXES__MAYOR__RECIPIENTS": '["mayor@example.cn"]',
            "HOTLINE_LMTP__JOURNAL_FOLDER": "/dev/null/journal",
        }
        self._start("cut off", _hotline("run", "receiver", "lmtp", "connector:unowned"), self._folder / "cut", more)

    def monitor(self) -> None:
        """Start the monitor, on a machine whose clock is wrong and where the blob store's disk hangs."""
        network = self._folder / "network"
        network.mkdir()
        command = [sys.executable, str(HERE / "late_clock.py"), "run", "monitor"]
        private = [*PRIVATE, f'{hanging_disk.shell(network)} && exec "$0" "$@"', *command]
        self._start("monitor", private, self._folder / "monitor", {"HOTLINE_BLOBS__URL": network.as_uri()})

    def accounts(self) -> None:
        """Start the accounts of Weibo and the fetcher."""
        command = [sys.executable, str(HERE / "accounts.py"), str(self.ports["accounts"])]
        self._start("accounts", command, self._folder / "accounts", {})

    def archive(self, url: str) -> None:
        """Let whoever starts from now on have an Elasticsearch."""
        self._settings["HOTLINE_ELASTICSEARCH__HOSTS"] = url

    def mailbox(self, account: str, **changes: str) -> None:
        """Let whoever starts from now on know of a mailbox that is asked each second."""
        keys = _MAILBOX | {"POLL_SECONDS": "1", "IDLE": "false"} | changes
        self._settings |= {f"HOTLINE_CONNECTORS__MAILBOX__{account}__{key}": told for key, told in keys.items()}

    def worker(self, name: str, *command: str | Path) -> psutil.Process:
        """Start `hotline run`, by a program that is `hotline`, and return its process."""
        self._start(name, [sys.executable, *map(str, command)], self._folder / name, {})
        return psutil.Process(self._running[name].pid)

    def tell(self, name: str) -> None:
        """Write a line to the standard input of a process."""
        told = self._running[name].stdin
        assert told
        told.write(b"\n")
        told.flush()

    def kill(self, name: str) -> None:
        """Kill a process and what it started."""
        process = self._running.pop(name)
        for one in [*psutil.Process(process.pid).children(recursive=True), process]:
            one.kill()
        process.communicate()

    def check(self) -> None:
        """Fail with the log of a process that has ended by itself."""
        for name, process in self._running.items():
            assert process.poll() is None, f"{name}: {self.log(name)[-2000:]}"

    def log(self, name: str) -> str:
        """Return what a process said."""
        return (self._folder / f"{name}.log").read_text("utf-8")

    def _start(self, name: str, command: Sequence[str], data_dir: Path, more: dict[str, str]) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HOTLINE_")}
        own = {
            "PYTHONPATH": str(ROOT),
            "HOTLINE_LOCAL__DATA_DIR": str(data_dir),
            "HOTLINE_TELEMETRY__PORT": str(self.ports[name]),
            "HOTLINE_RECEIVER__PORT": str(self.receivers.get(name, 0) or 19110),
        }
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                command, env={**clean, **self._settings, **own, **more}, stdin=subprocess.PIPE, stdout=log, stderr=log,
                preexec_fn=leash, cwd=ROOT,
            )  # fmt: skip


PRIVATE = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
"""Runs a shell that may mount a file system of its own, so that nothing of the machine is touched."""


def cannot_mount(folder: Path) -> str | None:
    """Return why a process here cannot have a small disk of its own, None when it can."""
    return _refused(f"mount -t tmpfs tmpfs {folder}", "allow user name spaces")


def cannot_hang(folder: Path) -> str | None:
    """Return why a process here cannot have a disk of its own that hangs, None when it can."""
    return _refused(hanging_disk.shell(folder), "allow user name spaces, and our user /dev/fuse")


def _refused(mounts: str, allow: str) -> str | None:
    try:
        tried = subprocess.run([*PRIVATE, mounts], capture_output=True, check=False)
    except FileNotFoundError:
        return "unshare is missing: install util-linux"
    return f"this machine lets nobody mount a file system of their own: {allow}" if tried.returncode else None


def _hotline(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "hotline", *arguments]


def _accounts(inbox: Path, smtp_port: int, imap_port: int) -> dict[str, str]:
    """`gate` is pushed to, `idle` has nothing, `away` is away, `broken` lacks its token, `unowned` its process.

    `refusing` has a server that hands out not every mail, `away` one of its own for its answers.
    """
    given = {
        "MAILBOX__AWAY": _MAILBOX,
        "MAILBOX__UNOWNED": _MAILBOX,
        "MAILBOX__REFUSING": _MAILBOX | {"PORT": str(imap_port), "POLL_SECONDS": "1", "IDLE": "false"},
        "WEIBO_PULL__BROKEN": {"ACCESS_TOKEN_FILE": str(inbox / "no such file")},
        "CALL_FILES__IDLE": {"FOLDER": str(inbox), "SETTLE_SECONDS": "0", "POLL_SECONDS": "0.5"},
        "SMS_HTTP__GATE": {
            "PROVIDER": "aliyun",
            "PATH": SMS,
            "PATH_SECRETS": json.dumps([SECRET]),
            "ALLOWED_ADDRESSES": '["127.0.0.1"]',
        },
    }
    named = {
        f"HOTLINE_CONNECTORS__{account}__{key}": told for account, keys in given.items() for key, told in keys.items()
    }
    smtp = {"HOST": "127.0.0.1", "PORT": str(smtp_port), "TLS": "none", "FROM_ADDRESS": "hotline@example.cn"}
    return named | {f"HOTLINE_ANSWERS__AWAY__SMTP__{key}": told for key, told in smtp.items()}
