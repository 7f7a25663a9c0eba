"""`hotline audit`: whether the audit log is whole; for the auditor alone."""

from datetime import UTC, datetime

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of
from hotline.output import readable
from schemas.enums import counted

audit = typer.Typer(no_args_is_help=True, help="Check the audit log (审计日志).")


@audit.callback()
def _audit() -> None:
    """Keep `verify` a verb of its own."""


@audit.command()
def verify(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Check the chains of the audit log; exit code 2 and a line for each record changed, removed, moved or inserted."""
    from hotline.admin.audit import verify as verified
    from hotline.runtime import clients

    count, faults = verified(clients.kafka(settings_of(ctx, accounts=False)), datetime.now(UTC))
    for fault in faults:
        if as_json:
            print_json({"place": fault.place, "fault": fault.what})
        else:
            say(readable(f"{fault.place:<12} {fault.what}"))
    say(f"{counted(count, 'audit record')}, {counted(len(faults), 'fault')}.", err=True)
    if faults:
        raise typer.Exit(2)
