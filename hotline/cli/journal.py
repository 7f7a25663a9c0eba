"""`hotline journal`: messages on the disk of a receiver, LMTP or Asterisk host whose process is gone."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hotline.cli.common import AsJson, print_json, say, settings_of
from hotline.cli.output import Column, lists, size
from schemas.enums import counted

if TYPE_CHECKING:
    from hotline.admin.journals import Waiting

journal = typer.Typer(no_args_is_help=True, help="Show and drain the journal of a process that no longer runs.")

Folder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="Folder of the journal, such as /var/lib/hotline/journal.")
]

COLUMNS = (
    Column("journal", "日志"),
    Column("channel", "渠道"),
    Column("account", "账号"),
    Column("jurisdiction", "行政区划"),
    Column("messages", "来件数", right=True),
    Column("bytes", "大小", right=True, shown=size),
    Column("oldest", "最早"),
    Column("newest", "最晚"),
)


@journal.command("show")
@lists(COLUMNS, nothing="Nothing waits in this journal.")
def show(folder: Folder) -> "list[Waiting]":
    """Count by account the messages in FOLDER that wait for Kafka or the blob store; shows no content."""
    from hotline.admin.journals import waiting

    return waiting(folder)


@journal.command("drain")
def drain(ctx: typer.Context, folder: Folder, as_json: AsJson = False) -> None:
    """Publish the messages that wait in FOLDER under their own ids, and empty it.

    Stop the process that uses it first. Use the settings and the Kafka user of that process; safe to repeat.
    """
    from hotline.admin import journals
    from hotline.config import clients

    settings = settings_of(ctx, accounts=False)
    done = journals.drain(folder, clients.kafka(settings), clients.blobs(settings))
    if as_json:
        print_json(done)
    else:
        say(f"{counted(done.published, 'message is', 'messages are')} in Kafka, and the journal is empty.")
        if done.set_aside:
            files = counted(done.set_aside, "file", "files")
            say(
                f"{files} of unreadable bytes remain: see JournalSetAside in docs/how-to/runbook.md.",
                err=True,
            )
