"""`hotline audit`: whether the audit log is whole; for the auditor alone."""

from collections.abc import Iterator
from datetime import UTC, datetime

import typer

from hotline.cli.common import say, settings_of
from hotline.cli.output import Column, lists
from schemas.enums import counted

audit = typer.Typer(no_args_is_help=True, help="Check the audit log (审计日志).")


@audit.callback()
def _audit() -> None:
    """Keep `verify` a verb of its own."""


@audit.command()
@lists((Column("place", "位置"), Column("fault", "问题")))
def verify(ctx: typer.Context) -> Iterator[dict[str, str]]:
    """Check the chains of the audit log; exit code 2 and a line for each record that was changed, removed, moved or
    inserted.
    """
    from hotline.admin.audit import verify as verified
    from hotline.config import clients

    count, faults = verified(clients.kafka(settings_of(ctx, accounts=False)), datetime.now(UTC))
    for fault in faults:
        yield {"place": fault.place, "fault": fault.what}
    say(f"{counted(count, 'audit record')}, {counted(len(faults), 'fault')}.", err=True)
    if faults:
        raise typer.Exit(2)
