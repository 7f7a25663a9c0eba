"""The page of metrics: every declared instrument with its name as exposed, its kind, labels and help."""

from collections.abc import Iterator
from types import ModuleType

from prometheus_client.metrics import MetricWrapperBase

from connectors import metrics as connector_metrics
from console import metrics as console_metrics
from hotline.dev.reference.markdown import code, page, prose, table
from hotline.monitor import metrics as monitor_metrics
from hotline.runtime.health import ComponentHealth
from sinks import metrics as sink_metrics
from streams import metrics as stream_metrics

ROOMS: tuple[ModuleType, ...] = (
    connector_metrics, stream_metrics, sink_metrics, monitor_metrics, console_metrics,
)  # fmt: skip
"""Where instruments are declared, and nowhere else."""

_INTRO = f"""\
Each process serves these under `/metrics` at `telemetry.host` and `telemetry.port`, beside `process_*` and `python_*`
of the Prometheus client. A histogram is exposed as `…_bucket`, `…_sum` and `…_count`. Labels are bounded: never an id,
never what a citizen wrote. `/healthz` answers while the process lives; `/readyz` answers 200 while every component
runs, else 503, with {", ".join(code(name) for name in ComponentHealth.__struct_fields__)} of each."""


def render() -> str:
    """Return the page."""
    return page("Metrics", _INTRO, *(_room(room) for room in ROOMS))


def instruments(room: ModuleType) -> Iterator[MetricWrapperBase]:
    """Yield what a room declares, in the order of its file."""
    return (value for value in vars(room).values() if isinstance(value, MetricWrapperBase))


def exposed(instrument: MetricWrapperBase) -> str:
    """Return the name that Prometheus sees."""
    (family,) = instrument.describe()
    return f"{family.name}_total" if family.type == "counter" else family.name


def _room(room: ModuleType) -> str:
    rows = [_row(instrument) for instrument in instruments(room)]
    heading = f"## {code(room.__name__.partition('.')[0])}"
    return f"{heading}\n\n{table(('Name', 'Kind', 'Labels', 'Meaning'), rows)}"


def _row(instrument: MetricWrapperBase) -> tuple[str, ...]:
    (family,) = instrument.describe()
    # The client has no public way to ask an instrument for its labels.
    labels = ", ".join(code(label) for label in instrument._labelnames)
    return code(exposed(instrument)), family.type, labels, prose(family.documentation)
