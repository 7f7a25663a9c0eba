"""The Faust app of a stage, run inside the process's own event loop."""

import asyncio
import gc
import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Literal, NamedTuple

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.auth import Credentials, SASLCredentials, SSLCredentials
from yarl import URL

from broker.aio_client import METADATA_MS, brought
from broker.aio_producer import MAX_BATCH_BYTES, translated
from broker.config import KafkaConnection
from schemas.errors import FatalError, MisconfiguredError, PipelineError, UnreachableError
from storage.private_files import denial, make_private
from streams.engine.in_work import InWork
from streams.engine.lost_positions import LostPositions
from streams.engine.quarantine import Quarantined

Isolation = Literal["read_uncommitted", "read_committed"]

STOP_SECONDS = 60.0
"""Seconds that an app may take to stop: it drains, ends its lanes and leaves its group, each with its own limit."""

REQUEST_SECONDS = 40.0
"""Seconds that Faust's producer waits for an answer, as aiokafka's do; the app starts only after it.

Faust waits 20 minutes for a silent Kafka. Records are written by other producers.
"""

_log = structlog.get_logger(__name__)


class Quarantines(NamedTuple):
    """The partitions in quarantine, and the number of partitions including them."""

    there: list[Quarantined]
    partitions: int


_QUIET = ("faust", "mode", "aiokafka")


class StageApp(faust.App):
    """A Faust app on the chunk transport; `isolation_level` is that of its consumer."""

    isolation_level: Isolation = "read_uncommitted"
    begun = False
    """Kafka has answered: the stage is working or waits for partitions."""
    troubles: list[Callable[[], str | None]]
    """Each returns the reason why a part of the stage does not progress, or None."""
    in_work: InWork
    quarantines: list[Callable[[], Quarantines]]
    """Each returns the partitions of a part of the stage that cannot continue until an operator acts."""
    restoring: list[Callable[[], Collection[int]]]
    """Each returns the partitions whose state is being restored: their cities wait meanwhile."""
    lost: LostPositions | None = None
    """Finds positions that Kafka forgot, for stages that ask for it."""


def make_app(
    name: str,
    connection: KafkaConnection,
    data_dir: Path,
    *,
    isolation_level: Isolation = "read_uncommitted",
    **settings: Any,
) -> StageApp:
    """Return the app of one stage; `name` is its consumer group.

    Raises MisconfiguredError if the data folder cannot be created.
    """
    quiet_libraries()
    try:
        make_private(data_dir)
    except OSError as error:
        raise MisconfiguredError(
            f"The data folder {data_dir} cannot be created ({denial(error)}): allow our user to write "
            "there, or correct `local.data_dir`."
        ) from error
    chosen = _settings(connection, data_dir) | settings
    app = StageApp(name, **chosen)
    app.isolation_level = isolation_level
    app.troubles, app.quarantines, app.restoring = [], [], []
    app.in_work = InWork(name, data_dir)
    return app


def in_work_of(app: faust.App) -> InWork:
    """Return the marker of records in work; an app of another class marks them in memory only."""
    return app.in_work if isinstance(app, StageApp) else InWork()


def quiet_libraries() -> None:
    """Set libraries to log from WARNING upwards: creating and dropping log records costs a tenth of the CPU."""
    for library in _QUIET:
        logging.getLogger(library).setLevel(logging.WARNING)


def _settings(connection: KafkaConnection, data_dir: Path) -> dict[str, Any]:
    return {
        "broker": [URL(f"chunk://{server.strip()}") for server in connection.bootstrap_servers.split(",")],
        "broker_credentials": credentials(connection),
        "broker_session_timeout": 10.0,  # a killed worker's partitions move after this; the default is 60 s
        "broker_heartbeat_interval": 1.0,
        "broker_commit_interval": 1.0,
        "consumer_auto_offset_reset": "earliest",
        "consumer_metadata_max_age_ms": METADATA_MS,
        "datadir": data_dir / "faust",
        "store": "memory://",
        "topic_disable_leader": True,
        "topic_allow_declare": False,  # `hotline topics create` makes them
        "producer_request_timeout": REQUEST_SECONDS,
        "producer_linger": 0,  # seconds; batches are explicit
        "producer_max_batch_size": MAX_BATCH_BYTES,
        "stream_wait_empty": True,
        "autodiscover": False,
        "web_enabled": False,
    }


def credentials(connection: KafkaConnection) -> Credentials | None:
    """Return Faust's credentials, or None for a plain connection."""
    context = connection.ssl_context()
    if connection.sasl_mechanism:
        return SASLCredentials(
            username=connection.sasl_username,
            password=connection.sasl_password,
            mechanism=connection.sasl_mechanism,
            ssl_context=context,
        )
    return SSLCredentials(context) if context else None


def tune_collector() -> None:
    """Run the garbage collector less often: a chunk creates thousands of objects and frees all of them."""
    gc.set_threshold(200_000, 20, 100)  # 14 % less CPU than Python's own 700, 10, 10


async def serve(app: StageApp, stop: asyncio.Event) -> None:
    """Run `app` until `stop` is set, then finish started work, commit and leave the group.

    Raises UnreachableError if Kafka does not answer at the start, and FatalError if the app crashes: the process
    should end and be restarted.
    """
    tune_collector()
    app.loop = asyncio.get_running_loop()
    app.in_work.begin()
    guarding = asyncio.create_task(app.in_work.guard())
    starting = asyncio.create_task(app.start())
    stopping = asyncio.create_task(stop.wait())
    try:
        await _until_over(app, starting, stopping)
    except (KafkaError, OSError) as error:
        raise translated(error) from error
    finally:
        stopping.cancel()
        try:
            await _stopped(app)
        finally:
            starting.cancel()
            guarding.cancel()
            await asyncio.gather(starting, stopping, guarding, return_exceptions=True)
            app.in_work.end()
            _release(app)
    if app.crash_reason is not None:
        raise _told(app.crash_reason) from None


async def _until_over(app: StageApp, starting: asyncio.Task[None], stopping: asyncio.Task[Any]) -> None:
    """Return when `stop` is set or the app crashed; raise the error that kept it from starting."""
    crashed = asyncio.create_task(app.wait_until_stopped())  # a crash ends this wait, too
    try:
        await asyncio.wait({starting, stopping, crashed}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            app.begun = True
            await asyncio.wait({stopping, crashed}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        crashed.cancel()
        await asyncio.gather(crashed, return_exceptions=True)


async def _stopped(app: faust.App) -> None:
    """Stop the app. An app that hangs, or leaks a cancellation, must not keep the worker from ending.

    If it crashed before, the crash is the reason for its end, for example if Kafka also refuses the last commit.
    """
    try:
        await brought(app.stop(), STOP_SECONDS)
    except (UnreachableError, KafkaError, OSError):
        _log.error("stage_does_not_end", stage=app.conf.id)
        if app.crash_reason is None:
            raise


def _release(app: faust.App) -> None:
    """Close the loop of a consumer thread that never started: Faust closes only running ones."""
    consumer: Any = app.consumer
    thread = consumer._thread
    if thread._thread is None:
        thread.thread_loop.close()


def _told(reason: BaseException) -> BaseException:
    """Return the pipeline's error for a crash; the text of a foreign exception may quote a message."""
    if isinstance(reason, PipelineError | KafkaError | OSError):
        return translated(reason)
    return FatalError(f"the stage crashed with {type(reason).__name__} and is started again: see the log above.")
