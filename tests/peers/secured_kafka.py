"""A real Kafka that demands TLS, a SCRAM password and an ACL: `with SecuredKafka(folder) as kafka:`.

One broker, eight doors: `secured` (SASL_SSL), the same with an `expired` certificate, the same with a certificate of
another host (`elsewhere`), the same that redirects its clients to a dead address (`lost`), `tls` without a login,
`mutual` (TLS with a client certificate that names the user), `bare` with a login and no TLS, and `open`, where every
plain-text client is the administrator.
"""

import re
import secrets
import string
import subprocess
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal

import psutil

from broker.config import KafkaConnection
from hotline.dev.stack import jars
from hotline.dev.stack.kafka import Kafka
from hotline.dev.stack.paths import CONFIG
from hotline.dev.stack.processes import environment
from tests.peers.certificates import DAY, Authority, Issued
from tests.peers.dovecot import free_ports
from tests.peers.leash import leash

# The broker says of every request which rule let it in, or that none did; without those of the administrator.
_LOGGER = """
    <Logger name="kafka.authorizer.logger" level="DEBUG" additivity="false"><AppenderRef ref="asked"/></Logger>
"""
_APPENDER = """
    <File name="asked" fileName="{file}">
      <RegexFilter regex=".* on rule SuperUser" onMatch="DENY" onMismatch="ACCEPT"/>
      <PatternLayout pattern="%m%n"/>
    </File>
"""
_TOLD = re.compile(
    r"Principal = User:(\S+) is (Allowed|Denied) operation = (\w+) .* on resource = (\w+):LITERAL:(\S+) "
)
_RULE = re.compile(r"resourceType=(\w+), resourceName=(\S+), .*operation=(\w+),")

Right = tuple[str, str, str]
"""Operation, kind of resource, name or prefix: `("read", "topic", "hotline.dead.v1")`."""

NONE: Right = ("", "", "")


def right(operation: str, kind: str, name: str) -> Right:
    """Return a right as the broker's log and its admin client alike say it: `TransactionalId`, `TRANSACTIONAL_ID`."""
    return operation.lower(), kind.lower().replace("_", ""), name


Door = Literal["open", "secured", "expired", "elsewhere", "lost", "tls", "mutual", "bare"]
Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
DOORS: Mapping[Door, Protocol] = {
    "open": "PLAINTEXT",
    "secured": "SASL_SSL",
    "expired": "SASL_SSL",
    "elsewhere": "SASL_SSL",
    "lost": "SASL_SSL",
    "tls": "SSL",
    "mutual": "SSL",
    "bare": "SASL_PLAINTEXT",
}

MECHANISM = "SCRAM-SHA-512"
NOWHERE = "127.0.0.1:9"
CLUSTER = "Asecured-for-a-test-00"

# Later lines of a properties file beat earlier ones, so the local stack's own configuration is the base.
_EXTRA = """
listeners={doors},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={advertised}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
inter.broker.listener.name=OPEN
sasl.enabled.mechanisms={mechanism}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""
_DOOR = string.Template("""
listener.name.$name.ssl.keystore.type=PEM
listener.name.$name.ssl.keystore.location=$keystore
listener.name.$name.$mechanism.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
""")


_MUTUAL = """
listener.name.mutual.ssl.client.auth=required
listener.name.mutual.ssl.truststore.type=PEM
listener.name.mutual.ssl.truststore.location={authority}
ssl.principal.mapping.rules=RULE:^CN=(.*)$/$1/
"""


class SecuredKafka:
    """A running broker; `password` of each user is made up, so a test can look for it where it must not be."""

    def __init__(self, folder: Path, users: tuple[str, ...]) -> None:
        self._folder = folder
        first = free_ports(len(DOORS) + 1)
        self._ports = {door: first + number for number, door in enumerate(DOORS)}
        self._controller = first + len(DOORS)
        self._kafka = Kafka(folder, (first, self._controller))
        self.authority = Authority(folder)
        self.stranger = Authority(folder, "another authority")
        self.passwords = {user: f"pw-{secrets.token_hex(8)}" for user in users}

    def __enter__(self) -> "SecuredKafka":
        jars.fetch_jars(jars.KAFKA)
        self._format(self._write())
        with (self._folder / "kafka.out").open("wb") as log:
            command = self._kafka.jvm.command(*self._kafka.jvm.quick(), *self._options(), "kafka.Kafka", self._config)
            self._process = psutil.Popen(command, env=environment(), stdout=log, stderr=log, preexec_fn=leash)
        deadline = time.monotonic() + 60
        while not self._kafka.answers():
            assert self._process.poll() is None, self.log()[-3000:]
            assert time.monotonic() < deadline, self.log()[-3000:]
            time.sleep(0.05)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait(60)

    def log(self) -> str:
        """Return what the broker said."""
        return "".join(path.read_text(errors="replace") for path in self._folder.glob("kafka.*") if path.is_file())

    def refused(self, user: str, since: int = 0) -> set[Right]:
        """Return what a user asked for and was not let, by the broker's own log."""
        return {wanted for allowed, wanted, _ in self._answers(user, since) if not allowed}

    def used(self, user: str, since: int = 0) -> set[Right]:
        """Return the rights that a user was let in by; who may write may look, which is no use of that right."""
        return {rule for _, wanted, rule in self._answers(user, since) if rule[:2] == wanted[:2]}

    def asked_so_far(self) -> int:
        """Return a moment, for `since`."""
        return len(self._asked())

    def _answers(self, user: str, since: int) -> Iterator[tuple[bool, Right, Right]]:
        """Yield what was asked for: whether it was let, what it was, and by which rule."""
        for line in self._asked()[since:]:
            if (told := _TOLD.match(line)) and told[1] == user:
                rule = _RULE.search(line)
                used = right(rule[3], rule[1], rule[2]) if rule else NONE
                yield told[2] == "Allowed", right(told[3], told[4], told[5]), used

    def _asked(self) -> list[str]:
        return (self._folder / "asked.log").read_text(encoding="utf-8").splitlines()

    def address(self, door: Door) -> str:
        """Return host:port of a door."""
        return f"127.0.0.1:{self._ports[door]}"

    def connection(self, user: str, door: Door = "secured", partitions: int = 2) -> KafkaConnection:
        """Return how a user connects."""
        return KafkaConnection(
            bootstrap_servers=self.address(door),
            security_protocol=DOORS[door],
            sasl_mechanism=MECHANISM,
            sasl_username=user,
            sasl_password=self.passwords[user],
            ssl_cafile=str(self.authority.certificate),
            partitions=partitions,
        )

    def shown(self, user: str) -> KafkaConnection:
        """Return how a user connects who logs in by a certificate."""
        return KafkaConnection(
            bootstrap_servers=self.address("mutual"),
            security_protocol="SSL",
            ssl_cafile=str(self.authority.certificate),
            ssl_certfile=str(self.authority.issue(user).file),
            partitions=2,
        )

    def settings(self, user: str) -> dict[str, str]:
        """Return the variables with which a process connects as a user."""
        return {
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": self.address("secured"),
            "HOTLINE_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
            "HOTLINE_KAFKA__SASL_MECHANISM": MECHANISM,
            "HOTLINE_KAFKA__SASL_USERNAME": user,
            "HOTLINE_KAFKA__SASL_PASSWORD": self.passwords[user],
            "HOTLINE_KAFKA__SSL_CAFILE": str(self.authority.certificate),
            "HOTLINE_KAFKA__PARTITIONS": "2",
        }

    @property
    def administrator(self) -> KafkaConnection:
        """Return how the administrator connects."""
        return KafkaConnection(bootstrap_servers=self.address("open"), partitions=2)

    @property
    def _config(self) -> str:
        return str(self._folder / "server.properties")

    @property
    def _logs(self) -> Path:
        return self._folder / "log4j2.xml"

    def _write(self) -> Path:
        good = self.authority.issue("secured")
        keys: dict[Door, Issued] = {
            "secured": good,
            "tls": good,
            "mutual": good,
            "bare": good,
            "lost": good,
            "expired": self.authority.issue("expired", until=datetime.now(UTC) - DAY),
            "elsewhere": self.authority.issue("elsewhere", host="kafka.example.cn"),
        }
        base = string.Template((CONFIG / "server.properties").read_text()).substitute(
            port=self._ports["open"], controller_port=self._controller, data=self._folder / "data"
        )
        doors = ",".join(f"{door.upper()}://{self.address(door)}" for door in DOORS)
        extra = _EXTRA.format(
            doors=doors,
            advertised=doors.replace(self.address("lost"), NOWHERE),
            protocols=",".join(f"{door.upper()}:{protocol}" for door, protocol in DOORS.items()),
            controller=self._controller,
            mechanism=MECHANISM,
        )
        locks = [
            _DOOR.substitute(name=name, keystore=issued.file, mechanism=MECHANISM.lower())
            for name, issued in keys.items()
        ]
        Path(self._config).write_text(
            "\n".join([base, extra, *locks, _MUTUAL.format(authority=self.authority.certificate)])
        )
        logs = (CONFIG / "kafka-log4j2.xml").read_text(encoding="utf-8")
        logs = logs.replace("</Appenders>", _APPENDER.format(file=self._folder / "asked.log") + "</Appenders>")
        self._logs.write_text(logs.replace("<Loggers>", "<Loggers>" + _LOGGER), encoding="utf-8")
        (self._folder / "kafka" / "tmp").mkdir(parents=True, exist_ok=True)
        return Path(self._config)

    def _format(self, config: Path) -> None:
        users = [f"{MECHANISM}=[name={user},password={word}]" for user, word in self.passwords.items()]
        scram = [part for user in users for part in ("--add-scram", user)]
        tool = ["kafka.tools.StorageTool", "format", "--cluster-id", CLUSTER, "--config", str(config), *scram]
        done = subprocess.run(
            self._kafka.jvm.command(*self._kafka.jvm.kept(), *self._options(), *tool),
            env=environment(),
            capture_output=True,
        )
        assert done.returncode == 0, (done.stdout + done.stderr).decode()

    def _options(self) -> list[str]:
        return [
            f"-Dkafka.log.file={self._folder / 'kafka.log'}",
            f"-Dlog4j2.configurationFile={self._logs.as_uri()}",
        ]
