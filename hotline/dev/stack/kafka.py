"""Kafka: one KRaft node from its jars."""

import base64
import os
import re
import shutil
import socket
import string
import struct
import subprocess
import uuid
from pathlib import Path
from typing import ClassVar

from hotline.config.stack_state import ServerName
from hotline.dev.stack import jars
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.jvm import Jvm
from hotline.dev.stack.paths import CONFIG
from hotline.dev.stack.processes import environment
from hotline.dev.stack.server import make_own, mark

_FLAGS = (
    "-Xmx256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",  # starts in half the time, and is fast enough for one machine
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)


class Kafka:
    """One broker that is its own controller, on loopback."""

    name: ClassVar[ServerName] = "kafka"
    version: ClassVar[str] = "4.3.1"

    def __init__(self, data_dir: Path, ports: tuple[int, int]) -> None:
        self.folder = data_dir / "kafka"
        self.port, self._controller_port = ports
        self._data = self.folder / "data"
        self._logs = data_dir / "logs"
        self._tmp = self.folder / "tmp"
        self._config = self.folder / "server.properties"
        self.jvm = Jvm(_FLAGS, os.pathsep.join(map(str, jars.jar_paths(jars.KAFKA))), self._tmp)

    def command(self) -> list[str]:
        """Write the configuration, format an empty log folder, and return the broker's command."""
        make_own(self.folder)
        self._tmp.mkdir(exist_ok=True)
        self._logs.mkdir(exist_ok=True)
        self._write_config()
        self._format()
        return self.jvm.command(*self.jvm.quick(), *self._options(), "kafka.Kafka", str(self._config))

    def answers(self) -> bool:
        """Say whether the broker lists itself, which it does once its controller lets it serve."""
        return _brokers(self.port) > 0

    def _write_config(self) -> None:
        template = string.Template((CONFIG / "server.properties").read_text(encoding="utf-8"))
        # Java reads properties files as Latin-1.
        data = str(self._data).replace("\\", "\\\\").encode("ascii", "backslashreplace").decode()
        text = template.substitute(port=self.port, controller_port=self._controller_port, data=data)
        self._config.write_text(text, encoding="utf-8")

    def _format(self) -> None:
        stamp = self.folder / "formatted"
        if stamp.exists():
            return
        # No broker has ever run on what a broken-off format left.
        shutil.rmtree(self._data, ignore_errors=True)
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", self._identity(), "--config", str(self._config)]
        command = self.jvm.command(*self.jvm.kept(), *self._options(), *tool)
        done = subprocess.run(command, env=environment(), capture_output=True, check=False)
        if done.returncode:
            (self._logs / "kafka.log").write_bytes(done.stdout + done.stderr)
            raise StackError(f"Kafka could not prepare {self._data}: see {self._logs / 'kafka.log'}.")
        stamp.touch()

    def _identity(self) -> str:
        # An id that began with a dash would be read as an option.
        return "A" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]

    def _options(self) -> list[str]:
        return [
            mark(self.folder),
            f"-Djava.io.tmpdir={self._tmp}",
            f"-Dkafka.log.file={self._logs / 'kafka.log'}",
            f"-Dlog4j2.configurationFile={(CONFIG / 'kafka-log4j2.xml').as_uri()}",
        ]


def running_version(data_dir: Path) -> str:
    """Return the version that the broker named at its last start; "unknown" when its log has been rotated away."""
    text = (data_dir / "logs" / "kafka.log").read_text(encoding="utf-8", errors="replace")
    named = re.findall(r"Kafka version: (\S+)", text)
    return named[-1] if named else "unknown"


def _brokers(port: int) -> int:
    """Return how many brokers serve, by Kafka's Metadata request (version 1, no topics)."""
    request = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0)
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as answer:
                _, _, count = struct.unpack(">iii", answer.read(12))
                return int(count)
    except (OSError, struct.error):
        return 0
