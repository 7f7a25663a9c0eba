"""`hotline status`: servers, stages, channels and what waits, at a glance."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from hotline.cli.common import AsJson, print_json, settings_of
from hotline.cli.stack import existing, local_stack
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.config.settings import Settings


def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show servers, stages, channels (silent ones in red) and backlogs; exit 1 unless every server answers."""
    settings = settings_of(ctx, accounts=False)
    servers = local_stack(settings).status()
    seen = list(_looked(settings))
    if as_json:
        for record in (*({"kind": "server", **asdict(server)} for server in servers), *seen):
            print_json(record)
    else:
        from hotline.cli.status_view import show

        show(servers, existing(settings), seen, datetime.now(UTC))
    answers = all(getattr(one, "reachable", True) for one in seen)
    raise typer.Exit(0 if answers and all(server.up for server in servers) else 1)


def _looked(settings: "Settings") -> Iterator[object]:
    """Yield what Elasticsearch, the processes on this machine and Kafka tell; what is away keeps nothing else away."""
    from hotline.config import clients
    from hotline.monitor import processes
    from hotline.monitor.services import Service, elasticsearch
    from hotline.monitor.watcher import Watcher
    from hotline.runtime import components
    from schemas.errors import PipelineError

    yield elasticsearch(settings)
    yield from processes.look(settings.telemetry, settings.installation, len(components.names(settings)))
    try:
        seen = Watcher(settings, clients.kafka(settings)).look(datetime.now(UTC))
    except PipelineError as error:
        yield Service(service="kafka", reachable=False, detail=str(error))
        return
    yield Service(service="kafka", reachable=True, detail=counted(sum(one.workers for one in seen.stages), "worker"))
    yield from (*seen.stages, *seen.accounts, *seen.answers, *seen.dead_letters, *seen.handovers)
