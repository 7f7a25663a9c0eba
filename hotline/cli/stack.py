"""`hotline up`, `down`: the local stack."""

from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.common import complain, say, settings_of
from hotline.translation import t

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from hotline.dev.stack.stack import Existing, Stack


def up(
    ctx: typer.Context,
    fetch_only: Annotated[
        bool, typer.Option("--fetch-only", help="Download and verify all jars, but start nothing.")
    ] = False,
) -> None:
    """Start the local Kafka and Elasticsearch if they are not running."""
    from hotline.config.clients import without_login
    from hotline.dev.stack.jars import GREENMAIL, SMSGATE
    from hotline.dev.stack.progress import Shown
    from hotline.dev.stack.stack import prepare
    from hotline.terminal import Console

    settings = settings_of(ctx, accounts=False)
    with Shown(Console(stderr=True)) as progress:
        if fetch_only:
            prepare(progress, settings.local.maven_mirror, also=[GREENMAIL, SMSGATE])
            return
        endpoints = local_stack(settings).up(progress)
    say(f"Kafka          {endpoints.bootstrap_servers}")
    say(f"Elasticsearch  {without_login(endpoints.elasticsearch_url)}")
    if endpoints.moved:
        say(
            "Another program uses their former ports: restart the components of `hotline run`, which still use those.",
            err=True,
        )


def down(
    ctx: typer.Context,
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete all data and logs as well.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False,
) -> None:
    """Stop the local Kafka and Elasticsearch and keep their data. Works even if the settings are invalid."""
    from hotline.dev.stack.progress import Shown
    from hotline.terminal import Console

    # What is deleted hangs on the settings: all of them must be right then.
    stack = local_stack(settings_of(ctx, accounts=False)) if wipe else _to_stop(ctx)
    if wipe and not yes:
        typer.confirm(t(f"Delete every message and ticket in {stack.data_dir}?"), abort=True)
    with Shown(Console(stderr=True)) as progress:
        stack.wipe(progress) if wipe else stack.down(progress)


def _to_stop(ctx: typer.Context) -> "Stack":
    """Return the stack of this checkout; settings that cannot work are told of, and keep none of it running."""
    from hotline.config.load import FaultySettingsError
    from hotline.dev.stack.stack import Stack

    try:
        return local_stack(settings_of(ctx, accounts=False))
    except FaultySettingsError as error:
        try:
            folder = error.rest.data_dir if error.rest else None
        except AttributeError:  # `local.data_dir` is what cannot be read
            folder = None
        if folder is None:
            raise
        complain(error)
        return Stack(folder)


def local_stack(settings: "Settings") -> "Stack":
    """Return the stack of this checkout, without the servers that the settings name."""
    from hotline.dev.stack.stack import Stack

    return Stack(settings.data_dir, existing(settings), settings.local.maven_mirror)


def existing(settings: "Settings") -> "Existing":
    """Return the clusters that the settings name instead of local ones."""
    from hotline.dev.stack.stack import Existing

    return Existing(settings.kafka.bootstrap_servers, ",".join(settings.elasticsearch.hosts) or None)
