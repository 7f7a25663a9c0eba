"""The ground: real Kafka, Elasticsearch and Dovecot behind proxies, and every component of the pipeline as an actor."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import psutil
from elasticsearch import AsyncElasticsearch

from benchmarks.faults import clerk
from benchmarks.faults.actors import Actor, Begin
from benchmarks.faults.citizens import Citizens, MailServer
from benchmarks.faults.kafka import ProxiedKafka
from benchmarks.faults.proxy import Cutter, ElasticGate
from benchmarks.faults.sources import ACCOUNTS, AES_KEY, APPID, CITIES, SECRET, TOKEN, Mailboxes, left_out
from benchmarks.faults.subscriber import NAME, WHSEC, Subscriber
from broker.config import KafkaConnection
from hotline.admin.topics import Provision
from hotline.dev.demo.smsc import Smsc
from hotline.dev.demo.wechat_api import WeChatApi
from hotline.dev.stack import jars
from hotline.dev.stack.elastic import Elasticsearch, build_home
from hotline.dev.stack.processes import environment
from sinks.elastic.templates import ensure_indices
from tests.peers.dovecot import Dovecot, free_ports

STAGES = ("screen", "normalize", "assign", "sink:elastic", "fetcher", "outbox", "sink:webhook", "eraser")
PARTITIONS = 4
BLOB_DISK_MB = 400


class Ground:
    """All of it, while a `with` block lasts. `override` replaces the command of a component: a saboteur's.

    The stages in `without` do not run, and nothing is asked of them. `provide` makes topics and indices otherwise.
    """

    def __init__(
        self,
        folder: Path,
        override: Mapping[str, list[str]] | None = None,
        cities: Sequence[str] = CITIES,
        without: Collection[str] = (),
        begin: Begin = psutil.Popen,
        provide: Callable[["Ground"], None] | None = None,
    ) -> None:
        self._provide = provide or Ground.provide
        self.cities = cities
        self.folder = folder
        self._override = override or {}
        self._begin = begin
        self.stages = [name for name in STAGES if name not in without]
        self.has_blob_disk = os.geteuid() == 0
        self._standing = ExitStack()
        first, each = free_ports(17 + 2 * len(cities)), len(cities)
        (self._direct, behind, controller, self._kafka_proxy, self._elastic, transport, gate, self._elastic_proxy,
         self._imap_proxy, self._receiver, receiver_proxy, self._wechat, self._wechat_proxy,
         smtp, self._smtp_proxy, hooks, self._hooks_proxy, *centres) = range(first, first + 17 + 2 * each)  # fmt: skip
        self._kafka = ProxiedKafka(folder, self._direct, behind, controller, self._kafka_proxy)
        self._node = Elasticsearch(folder, (self._elastic, transport))
        self.gate = ElasticGate(gate, f"http://127.0.0.1:{self._elastic}")
        self.centres = {city: Smsc(port, window=50) for city, port in zip(cities, centres[:each], strict=True)}
        self.wechat, self._smtp = WeChatApi(), MailServer(smtp)
        self.citizens = Citizens(self._smtp, self.centres, self.wechat)
        self.answering = answering(cities)
        self.subscriber, self.subscribed = Subscriber(hooks), cities[: (len(cities) + 1) // 2]
        self._sms_proxies = dict(zip(cities, centres[each:], strict=True))
        self.cutters = {
            "kafka": [Cutter(self._kafka_proxy, behind)],
            "elasticsearch": [Cutter(self._elastic_proxy, gate)],
            "receiver": [Cutter(receiver_proxy, self._receiver)],
            "wechat": [Cutter(self._wechat_proxy, self._wechat)],
            "smtp": [Cutter(self._smtp_proxy, smtp)],
            "subscriber": [Cutter(self._hooks_proxy, hooks)],
            "smsc": [Cutter(self._sms_proxies[city], self.centres[city].port) for city in cities],
        }
        lacking = left_out()
        self.left_out = {**lacking, **({} if self.has_blob_disk else {"blob disk full": "only root may mount a disk"})}
        self.mailboxes: Mailboxes | None = None
        fetched = ("sms",) if "mailbox" in lacking else ("city", "sms")
        self.connectors = [f"connector:{channel}{city}" for channel in fetched for city in cities]
        self.actors: dict[str, Actor] = {}
        self.connection = KafkaConnection(bootstrap_servers=f"127.0.0.1:{self._direct}", partitions=PARTITIONS)
        self.elasticsearch_url = f"http://127.0.0.1:{self._elastic}"
        self.receiver_url = f"http://127.0.0.1:{receiver_proxy}"

    def __enter__(self) -> "Ground":
        with contextlib.ExitStack() as standing:
            self._set_up(standing)
            self._standing = standing.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._standing.close()

    @property
    def blob_folder(self) -> Path:
        """Return where large bodies lie: a small disk of its own where we may mount one."""
        return self.folder / "blobs"

    def another(self, name: str) -> Actor:
        """Return a second worker of a stage, or a second host of an account, not started yet."""
        return self._component(name, f"{name} (2)")

    def provide(self) -> None:
        """Make the topics and the indices."""
        Provision(self.connection).create_when_started()
        asyncio.run(self._indices())

    def _set_up(self, standing: ExitStack) -> None:
        for lock in (jars.KAFKA, jars.ELASTICSEARCH):
            jars.fetch_jars(lock)
        build_home()
        self.blob_folder.mkdir()
        if self.has_blob_disk:
            standing.enter_context(_small_disk(self.blob_folder))
        standing.enter_context(self.wechat.running(self._wechat))
        standing.enter_context(self._smtp)
        standing.enter_context(self.subscriber)
        for centre in self.centres.values():
            centre.start()
            standing.callback(centre.stop)
        if "mailbox" not in self.left_out:
            dovecot = standing.enter_context(Dovecot(Mailboxes.users(self.cities)))
            self.cutters["imap"] = [Cutter(self._imap_proxy, dovecot.port)]
            self.mailboxes = Mailboxes(dovecot)
        self._start_kafka(standing)
        node = Actor("elasticsearch", self._node.command, environment(), self._log("elastic"), self._node.answers)
        self._add(standing, node)
        for proxy in (self.gate, *(cutter for cutters in self.cutters.values() for cutter in cutters)):
            standing.enter_context(proxy)
        self._provide(self)
        for name in (*self.stages, "receiver", *self.connectors):
            self._add(standing, self._component(name, name))

    def more_faults(self) -> Mapping[str, Callable[[], None]]:
        """Return what can happen here beside what can happen everywhere; its last word is whom it happens to."""
        return {}

    def _start_kafka(self, standing: ExitStack) -> None:
        self._add(standing, Actor("kafka", self._kafka.command, environment(), self._log("kafka"), self._kafka.answers))

    def _add(self, standing: ExitStack, actor: Actor) -> None:
        self.actors[actor.name] = actor
        standing.callback(actor.kill)
        actor.start()

    def _component(self, name: str, called: str) -> Actor:
        command = [*self._override.get(name, [sys.executable, "-m", "hotline"]), "run", name]
        answers: Callable[[], bool] = (lambda: _listens(self._receiver)) if name == "receiver" else (lambda: True)
        log = self._log(called.replace(":", "-"))
        return Actor(called, lambda: command, self.settings(), log, answers, self._begin)

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def settings(self) -> dict[str, str]:
        """Return the environment of every component."""
        settings = {
            **os.environ,
            "HOTLINE_LOCAL__DATA_DIR": str(self.folder / "data"),
            "HOTLINE_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{self._kafka_proxy}",
            "HOTLINE_KAFKA__PARTITIONS": str(PARTITIONS),
            "HOTLINE_ELASTICSEARCH__HOSTS": f"http://127.0.0.1:{self._elastic_proxy}",
            "HOTLINE_BLOBS__URL": self.blob_folder.as_uri(),
            "HOTLINE_RECEIVER__PORT": str(self._receiver),
            "HOTLINE_TELEMETRY__PORT": "0",
            "HOTLINE_REQUESTER_KEYS__K1": "a key for the fault suite alone",
            "HOTLINE_QUERY_KEY": "a key for the fault suite alone",
        }
        for city, port in self._sms_proxies.items():
            sms = f"HOTLINE_CONNECTORS__SMS_SMPP__SMS{city}__"
            settings |= {
                f"{sms}HOST": "127.0.0.1",
                f"{sms}PORT": str(port),
                f"{sms}SYSTEM_ID": "hotline",
                f"{sms}PASSWORD": "secret",
                f"{sms}JURISDICTION": city,
                f"{sms}ENQUIRE_LINK_SECONDS": "5",
            }
            mailbox, wechat = f"HOTLINE_CONNECTORS__MAILBOX__CITY{city}__", f"HOTLINE_CONNECTORS__WECHAT__W{city}__"
            settings |= {
                f"{mailbox}HOST": "127.0.0.1",
                f"{mailbox}PORT": str(self._imap_proxy),
                f"{mailbox}TLS": "none",
                f"{mailbox}USERNAME": f"city{city}",
                f"{mailbox}PASSWORD": "secret",
                f"{mailbox}JURISDICTION": city,
                f"{mailbox}POLL_SECONDS": "2",
                f"{mailbox}READ_TIMEOUT_SECONDS": "10",
                f"{wechat}APPID": APPID.format(city=city),
                f"{wechat}SECRET": SECRET,
                f"{wechat}API_URL": f"http://127.0.0.1:{self._wechat_proxy}",
                f"{wechat}TOKENS": f'["{TOKEN}"]',
                f"{wechat}AES_KEYS": f'["{AES_KEY}"]',
                f"{wechat}PATH": f"/wechat/{city}",
                f"{wechat}JURISDICTION": city,
            }
        return settings | self._answers() | self._subscription() | clerk.keys(self.cities)

    def _answers(self) -> dict[str, str]:
        settings = {f"HOTLINE_ANSWERS__{name.upper()}__PER_MINUTE": "6000" for name in self.answering}
        for name in (name for name in self.answering if name.startswith("city")):
            smtp = f"HOTLINE_ANSWERS__{name.upper()}__SMTP__"
            settings |= {
                f"{smtp}HOST": "127.0.0.1",
                f"{smtp}PORT": str(self._smtp_proxy),
                f"{smtp}TLS": "none",
                f"{smtp}FROM_ADDRESS": "szxx@12345.example",
            }
        return settings

    def _subscription(self) -> dict[str, str]:
        subscriber = f"HOTLINE_SINKS__WEBHOOK__{NAME.upper()}__"
        return {
            f"{subscriber}URL": f"http://127.0.0.1:{self._hooks_proxy}/hooks/tickets",
            f"{subscriber}ALLOW_PRIVATE": "true",
            f"{subscriber}SECRETS": f'["{WHSEC}"]',
            f"{subscriber}FILTER__JURISDICTIONS": json.dumps(list(self.subscribed)),
            f"{subscriber}BACKOFF_MAX_SECONDS": "10",
        }

    async def _indices(self) -> None:
        async with AsyncElasticsearch(self.elasticsearch_url, request_timeout=60) as client:
            await ensure_indices(client)


def answering(cities: Sequence[str]) -> frozenset[str]:
    """Return the accounts that answer: of two cities, of one all of them. More would leave the pipeline little time."""
    return frozenset(
        ACCOUNTS[channel].format(city)
        for city in cities[-2:]
        for channel in ACCOUNTS
        if channel != "wechat" or city == cities[-1]
    )


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={BLOB_DISK_MB}m", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False
