"""The app of a stage: its settings, its login, and what the caller hears when it fails."""

import asyncio
import gc
import socket
from pathlib import Path

import pytest
from aiokafka.client import AIOKafkaClient
from faust.auth import SASLCredentials, SSLCredentials

from broker.aio_client import START_SECONDS
from broker.config import KafkaConnection
from schemas.errors import FatalError, MisconfiguredError, UnreachableError
from streams.engine import partition_worker
from streams.engine.app import make_app, serve, tune_collector
from streams.engine.fetched_record import Fetched
from tests.streams.conftest import Bench
from tests.streams.raws import outbound
from tests.waiting import soon

NOWHERE = "127.0.0.1:1"


def connection(**fields: str) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=NOWHERE, **fields)


def test_an_app_is_made_outside_of_a_loop_with_the_measured_settings(tmp_path: Path) -> None:
    conf = make_app("hotline-x", connection(), tmp_path, isolation_level="read_committed").conf
    assert (conf.id, str(conf.broker[0])) == ("hotline-x", f"chunk://{NOWHERE}")
    assert (conf.producer_linger, conf.producer_max_batch_size) == (0, 900_000)
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval) == (10, 1)
    assert (conf.web_enabled, conf.topic_disable_leader, conf.topic_allow_declare) == (False, True, False)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MisconfiguredError, match=r"Not a directory\): allow our user to write there"):
        make_app("hotline-x", connection(), tmp_path / "file" / "data")


def test_a_login_reaches_consumer_and_producer_and_is_not_printed(tmp_path: Path) -> None:
    login = connection(
        security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-256", sasl_username="hotline", sasl_password="pw-1"
    )
    found = make_app("hotline-x", login, tmp_path).conf.broker_credentials
    assert isinstance(found, SASLCredentials)
    assert (found.protocol.value, found.mechanism.value, found.password) == ("SASL_SSL", "SCRAM-SHA-256", "pw-1")
    assert found.ssl_context is not None
    assert login.aiokafka_options()["sasl_plain_password"] == "pw-1"
    assert "pw-1" not in repr(found) + repr(login)
    tls = make_app("hotline-y", connection(security_protocol="SSL"), tmp_path).conf.broker_credentials
    assert isinstance(tls, SSLCredentials)


@pytest.mark.integration
async def test_a_kafka_that_is_away_at_the_start_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError):
        await asyncio.wait_for(serve(make_app("hotline-x", connection(), tmp_path), asyncio.Event()), 60)


@pytest.mark.integration
async def test_a_kafka_that_says_nothing_at_the_start_is_told_as_such(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kafka = KafkaConnection(bootstrap_servers=f"127.0.0.1:{silent.getsockname()[1]}")
        patience = make_app("hotline-x", kafka, tmp_path).conf.producer_request_timeout
        assert patience <= START_SECONDS
        app = make_app("hotline-y", kafka, tmp_path, producer_request_timeout=patience / 40)
        with pytest.raises(UnreachableError):
            await asyncio.wait_for(serve(app, asyncio.Event()), 30)
    assert not app.begun


async def ends(bench: Bench, handle: partition_worker.Handle, why: str) -> None:
    """See that a worker with one record ends for `why`, and that the next one gets the record."""
    seen: list = []

    async def works(tp, chunk) -> None:
        seen.extend(chunk.records)
        chunk.ack()

    topic = outbound(1).topic
    await bench.put(outbound(1))
    app = make_app("ending", bench.connection, bench.folder)
    partition_worker.declare(app, "stage", [topic], handle)
    with pytest.raises(FatalError, match=why):
        await asyncio.wait_for(serve(app, asyncio.Event()), 60)
    async with bench.running(partition_worker.declare, "stage", [topic], works, group="ending"):
        await soon(lambda: bool(seen))
    assert [(type(record), record.key) for record in seen] == [(Fetched, outbound(1).key)]  # not aiokafka's own record


@pytest.mark.integration
async def test_a_bug_ends_the_worker_with_nothing_acknowledged(bench: Bench) -> None:
    async def fails(tp, chunk) -> None:
        raise ZeroDivisionError

    await ends(bench, fails, "ZeroDivisionError")


@pytest.mark.integration
async def test_a_lane_that_hangs_ends_the_worker_and_its_partition_goes_on_with_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.engine.partition_worker.HANG_SECONDS", 1.0)
    monkeypatch.setattr("streams.engine.partition_worker.WATCH_SECONDS", 0.1)

    async def hangs(tp, chunk) -> None:
        await asyncio.Event().wait()

    await ends(bench, hangs, "a lane of stage has made no progress for 1 s: the worker must restart")


@pytest.mark.integration
async def test_a_worker_that_finds_no_way_into_its_group_ends(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def works(tp, chunk) -> None:
        chunk.ack()

    async def no_broker(*_) -> int:
        raise AssertionError("Did we not perform bootstrap?")  # as aiokafka says while a broker begins

    app = make_app("lost", bench.connection, bench.folder)
    partition_worker.declare(app, "stage", [outbound(1).topic], works)
    with monkeypatch.context() as broken:
        broken.setattr(AIOKafkaClient, "coordinator_lookup", no_broker)
        with pytest.raises(FatalError):
            await asyncio.wait_for(serve(app, asyncio.Event()), 60)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_how_seldom_the_collector_looks_ends_with_the_test_of_a_stage(turn: str) -> None:
    before = gc.get_threshold()
    tune_collector()
    assert gc.get_threshold() != before
