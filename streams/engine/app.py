"""The Faust app of a stage, and running it inside an event loop that is ours."""

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
"""How long an app may take to stop: it drains, ends its lanes and leaves its group, each with a bound of its own."""

REQUEST_SECONDS = 40.0
"""How long Faust's producer waits for an answer, as aiokafka's own do. Nothing of an app begins before it.

Faust gives a Kafka that says nothing 20 minutes. We write by producers of our own.
"""

_log = structlog.get_logger(__name__)


class Quarantines(NamedTuple):
    """The partitions in quarantine, and how many partitions there are with them."""

    there: list[Quarantined]
    partitions: int


_QUIET = ("faust", "mode", "aiokafka")


class StageApp(faust.App):
    """A Faust app on the chunk transport; `isolation_level` is what its consumer reads with."""

    isolation_level: Isolation = "read_uncommitted"
    begun = False
    """Kafka has answered: the stage is at work, or waits for partitions."""
    troubles: list[Callable[[], str | None]]
    """Each says what keeps a part of the stage from getting on, None when nothing does."""
    in_work: InWork
    quarantines: list[Callable[[], Quarantines]]
    """Each returns the partitions of a part of the stage that cannot go on until a person acts."""
    restoring: list[Callable[[], Collection[int]]]
    """Each returns the partitions whose state is being restored: their cities wait meanwhile."""
    lost: LostPositions | None = None
    """Looks for positions that Kafka forgot, where the stage asks for it."""


def make_app(
    name: str,
    connection: KafkaConnection,
    data_dir: Path,
    *,
    isolation_level: Isolation = "read_uncommitted",
    **settings: Any,
) -> StageApp:
    """Make the app of one stage; `name` is its consumer group.

    Raises MisconfiguredError when there can be no data folder.
    """
    quiet_libraries()
    try:
        make_private(data_dir)
    except OSError as error:
        raise MisconfiguredError(
            f"The data folder {data_dir} cannot be made ({denial(error)}): let our user write there, or correct "
            "`local.data_dir`."
        ) from error
    chosen = _settings(connection, data_dir) | settings
    app = StageApp(name, **chosen)
    app.isolation_level = isolation_level
    app.troubles, app.quarantines, app.restoring = [], [], []
    app.in_work = InWork(name, data_dir)
    return app


def in_work_of(app: faust.App) -> InWork:
    """Return what marks the records of a stage; an app that is none of ours marks them in memory alone."""
    return app.in_work if isinstance(app, StageApp) else InWork()


def quiet_libraries() -> None:
    """Let the libraries speak from WARNING upwards: log records made and dropped cost a tenth of the CPU."""
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
    """Return Faust's credentials, None for a plain connection."""
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
    """Let the garbage collector look less often: a chunk makes thousands of objects at once, and all of them go."""
    gc.set_threshold(200_000, 20, 100)  # 14 % less CPU than Python's own 700, 10, 10


async def serve(app: StageApp, stop: asyncio.Event) -> None:
    """Run `app` until `stop` is set, then finish what has begun, commit, and leave the group.

    Raises UnreachableError when Kafka does not answer at the start, FatalError when the app crashes: the process should
    end and be started again.
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
    """Return when somebody asks for the end or the app crashed; raise what kept it from starting."""
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
    """Stop the app. One that does not end, or lets a cancellation out, must not keep the worker from its end.

    Where it crashed before, that says why it ends: so it is when Kafka refuses what is committed at the end, too.
    """
    try:
        await brought(app.stop(), STOP_SECONDS)
    except (UnreachableError, KafkaError, OSError):
        _log.error("stage_does_not_end", stage=app.conf.id)
        if app.crash_reason is None:
            raise


def _release(app: faust.App) -> None:
    """Close the loop of a consumer thread that never began: Faust closes only what ran."""
    consumer: Any = app.consumer
    thread = consumer._thread
    if thread._thread is None:
        thread.thread_loop.close()


def _told(reason: BaseException) -> BaseException:
    """Return our error for a crash; a foreign exception's own text may quote a message."""
    if isinstance(reason, PipelineError | KafkaError | OSError):
        return translated(reason)
    return FatalError(f"the stage crashed with {type(reason).__name__}: it will be started again; see the log above.")
