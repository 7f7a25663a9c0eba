"""`hotline up`, `down`, `status`: the local stack."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hotline.local.paths import data_dir
from hotline.local.progress import Shown
from hotline.local.stack import Existing, ServerStatus, Stack, prepare


def up(
    fetch_only: Annotated[bool, typer.Option("--fetch-only", help="Fetch and verify the jars; start nothing.")] = False,
) -> None:
    """Start the local Kafka and Elasticsearch, unless they run."""
    console = Console()
    with Shown(console) as progress:
        if fetch_only:
            prepare(progress)
            return
        endpoints = local_stack().up(progress)
    console.print(f"Kafka          {endpoints.bootstrap_servers}", highlight=False)
    console.print(f"Elasticsearch  {endpoints.elasticsearch_url}", highlight=False)


def down(
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete the servers' data and logs, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
) -> None:
    """Stop the local Kafka and Elasticsearch; their data stay."""
    stack = local_stack()
    if wipe and not yes:
        typer.confirm(f"Delete every message and ticket in {stack.data_dir}?", abort=True)
    stack.wipe() if wipe else stack.down()


def status(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show the local servers; exit 1 unless all of them are up."""
    servers = local_stack().status()
    if as_json:
        typer.echo(json.dumps([asdict(server) for server in servers], indent=2))
    else:
        Console().print(_table(servers))
    raise typer.Exit(0 if all(server.up for server in servers) else 1)


def local_stack() -> Stack:
    """Return the stack of this checkout's settings."""
    return Stack(data_dir(_settings_file()), existing())


def existing() -> Existing:
    """Return the clusters that the environment names instead of local ones."""
    return Existing(
        os.environ.get("HOTLINE_KAFKA__BOOTSTRAP_SERVERS") or None,
        os.environ.get("HOTLINE_ELASTICSEARCH__HOSTS") or None,
    )


def _settings_file() -> Path | None:
    beside = Path("hotline.toml")
    return beside if beside.exists() else None


def _table(servers: list[ServerStatus]) -> Table:
    table = Table("server", "version", "address", "pid", "restarts", "state")
    for server in servers:
        state = "[green]up" if server.up else "[red]down"
        pid = str(server.pid or "")
        table.add_row(server.name, server.version, server.address, pid, str(server.restarts), state)
    return table
