"""What every test may use: no network for unit tests, one real stack for the others."""

import asyncio
import gc
import logging
import os
import sys
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest
import structlog
from elasticsearch import AsyncElasticsearch
from hypothesis import settings
from xdist.remote import Producer

from broker.config import KafkaConnection
from hotline import translation
from hotline.admin.topics import Provision
from hotline.dev.stack.errors import StackError
from hotline.dev.stack.stack import Endpoints, Stack
from sinks.elastic.templates import ensure_indices
from tests.fresh import topics_made_anew
from tests.light_node import light
from tests.peers import acls
from tests.peers.secured_kafka import SecuredKafka
from tests.scheduling import ServerScheduling, named_by_server

pytest.register_assert_rewrite("tests.assign.logs")  # shared by several rooms
# No deadline, because the time of an example depends on the load of the machine. Fixed examples, so that a run says the
# same twice; `make soak` sets HOTLINE_SOAK and draws new ones.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("soak", deadline=None, max_examples=500)
settings.load_profile("soak" if os.environ.get("HOTLINE_SOAK") else "fixed")
# Where a proxy leads out of this machine, loopback lies before it: for the tests and for all that they start.
BEFORE_PROXY = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
# Messages are compared in English; a test of the Chinese sets its language itself.
for variable in translation.VARIABLES:
    os.environ.pop(variable, None)
os.environ["LC_ALL"] = "C.UTF-8"
os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"127.0.0.1,localhost,{BEFORE_PROXY}"


ROOT = Path(__file__).parents[1]
LONG = ("e2e", "faults", "alerts", "local", "demo", "skeletons", "fetcher")
"""Folders whose files take long: begun last, one of them would keep a single worker busy at the end."""


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Look for rubbish only in what tests make: twelve thousand tests and all our modules stay, and need no looks."""
    gc.disable()
    try:
        _begin_elsewhere(session.config.args)
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def _begin_elsewhere(asked: list[str]) -> None:
    """Import the tests, each worker another part of them first: in a new checkout what one compiles the others read.

    What cannot be imported is told of when it is collected.
    """
    number, workers = (
        int(os.environ.get(f"PYTEST_XDIST_{name}", "0").strip("gw")) for name in ("WORKER", "WORKER_COUNT")
    )
    if workers < 2:
        return
    paths = [Path(one.partition("::")[0]).resolve() for one in asked]
    files = [file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("test_*.py")))]
    first = len(files) * number // workers
    for file in files[first:] + files[:first]:
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))


COLLECTOR, SWITCHES = gc.get_threshold(), sys.getswitchinterval()


def pytest_runtest_teardown() -> None:
    """Put back what is the whole process's: all tests behind would have it, and what they leave in circles would stay.

    A stage lets the collector look seldom, and the fault suite lets its threads take turns sooner.
    """
    gc.set_threshold(*COLLECTOR)
    sys.setswitchinterval(SWITCHES)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let integration tests talk to loopback; `--disable-socket` keeps all others from any network. Long ones first."""
    items.sort(key=lambda item: item.path.parent.name not in LONG)
    for item in items:
        if item.get_closest_marker("integration"):
            item.add_marker(pytest.mark.allow_hosts(["127.0.0.1", "::1"]))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ServerScheduling | None:
    """Let two of the workers start the shared servers, not each of them."""
    return ServerScheduling(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.hookimpl(wrapper=True)
def pytest_collection_finish(session: pytest.Session) -> Generator[None, object, object]:
    """Send the scheduler the ids with the shared servers that the tests start; all others see the tests themselves."""
    items = session.items
    if "PYTEST_XDIST_WORKER" in os.environ:
        session.items = [named_by_server(item) for item in items]
    try:
        return (yield)
    finally:
        session.items = items


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real messages, which is not part of the project; tests that read it are skipped without it."""
    folder = Path(os.environ.get("HOTLINE_DATA", "/work/shared/data"))
    if not folder.is_dir():
        pytest.skip("no real messages here: set HOTLINE_DATA to their folder")
    return folder


@pytest.fixture(autouse=True)
def _logs_end_with_their_test() -> Iterator[None]:
    """A verb sends the logs of its process to a standard error that is gone after its test; the next has its own."""
    hooks, root = (sys.excepthook, threading.excepthook, sys.unraisablehook), logging.getLogger()
    level = root.level
    yield
    if any(type(handler) is logging.StreamHandler for handler in root.handlers):
        root.handlers = [handler for handler in root.handlers if type(handler) is not logging.StreamHandler]
        root.setLevel(level)
        sys.excepthook, threading.excepthook, sys.unraisablehook = hooks
        structlog.reset_defaults()


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """No settings but those of the test, and a working folder of its own."""
    for name in [name for name in os.environ if name.startswith("HOTLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return monkeypatch


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One real stack for the whole run, started when first asked for; it ends with this process, even by kill -9."""
    chosen = os.environ.get("HOTLINE_LOCAL__DATA_DIR")
    folder = Path(chosen) if chosen else tmp_path_factory.mktemp("stack")
    if not chosen:
        light(folder)
    stack = Stack(folder)
    stack.up(owner=os.getpid())
    yield stack
    if chosen or os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        stack.down()
        return
    # A first clean stop takes long, since it records what makes the next starts quick; that one worker does so will do.
    for program in ("supervisor", "kafka", "elasticsearch"):
        with suppress(StackError):
            stack.kill(program)


@pytest.fixture
def stack(local_stack: Stack) -> Endpoints:
    """Where the session's real Kafka and Elasticsearch are."""
    return local_stack.up(owner=os.getpid())


@pytest.fixture
def fresh_topics(stack: Endpoints) -> KafkaConnection:
    """The session's Kafka with every topic made anew: what is read back is the test's own."""
    return topics_made_anew(KafkaConnection(bootstrap_servers=stack.bootstrap_servers, partitions=2))


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """One real Kafka that wants TLS, a password and ACLs, for the whole run; it has our topics and no rights yet."""
    with SecuredKafka(tmp_path_factory.mktemp("secured"), acls.users()) as kafka:
        Provision(kafka.administrator).create_when_started()
        yield kafka


@pytest.fixture
def secured(secured_kafka: SecuredKafka) -> SecuredKafka:
    """The secured Kafka, where each user may do what `deploy/kafka-acls.txt` says, and nothing else."""
    acls.grant(secured_kafka.administrator, acls.lines())
    return secured_kafka


@pytest.fixture
def fresh_indices(stack: Endpoints) -> None:
    """The session's Elasticsearch with every index made anew."""

    async def renew() -> None:
        async with AsyncElasticsearch(stack.elasticsearch_url, request_timeout=60) as client:
            if there := list(await client.indices.get(index="hotline-*")):
                await client.indices.delete(index=there)
            await ensure_indices(client)

    asyncio.run(renew())
