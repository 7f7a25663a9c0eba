"""`hotline import`: files of other systems become back-fill, with progress; run again, it goes on."""

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hotline.cli.common import AsJson, Clear, complain, known_channel, print_json, settings_of
from schemas.topics import CHANNELS

if TYPE_CHECKING:
    from hotline.config.settings import Settings
    from hotline.importer.raws import Intake
    from hotline.importer.report import Totals
    from hotline.importer.run import Destination, Memory, Stop, Tick

    Start = Callable[[Destination, Memory], None]


def _one_character(delimiter: str | None) -> str | None:
    delimiter = "\t" if delimiter in ("\\t", "tab") else delimiter
    if delimiter is not None and len(delimiter) != 1:
        raise typer.BadParameter("one character, or tab")
    return delimiter


def _codec(encoding: str | None) -> str | None:
    import codecs

    try:
        return codecs.lookup(encoding).name if encoding else None
    except LookupError as error:
        raise typer.BadParameter("an encoding, such as utf-8 or gb18030") from error


def import_(
    ctx: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH",
            help="Files (.jsonl, .csv, .tsv, .xlsx, .mbox, .eml, each also as .gz), Maildirs, or folders to search.",
            show_default=False,
        ),
    ],
    jurisdiction: Annotated[
        str | None,
        typer.Option(help="行政区划代码 of the city; by default of the account, else of the settings file."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            help="Account of these messages; for mails that a mailbox may also have fetched, the id of that "
            "mailbox. By default import_ and the city."
        ),
    ] = None,
    channel: Annotated[
        str | None,
        typer.Option(callback=known_channel, metavar="|".join(CHANNELS), help="诉求来源 of records that name none."),
    ] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", metavar="COLUMN=FIELD", help="Meaning of a column, such as 正文=text.")
    ] = None,
    mapping_file: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="FILE", help='TOML file with a line for each column: "正文" = "text".'),
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook; by default the first visible one.")] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            callback=_codec, help="Encoding of CSV files; by default UTF-8 or GB 18030, detected from their bytes."
        ),
    ] = None,
    delimiter: Annotated[
        str | None,
        typer.Option(callback=_one_character, help="Delimiter of CSV files; by default detected from the first lines."),
    ] = None,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Publish at most this many messages per second.")] = None,
    report: Annotated[Path | None, typer.Option(help="CSV file for refused records and the reasons.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read everything and show the mapping, but publish nothing.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Also publish messages that were imported before.")] = False,
    clear: Clear = False,
    as_json: AsJson = False,
) -> None:
    """Import messages through the back-fill topic; live messages go first.

    Messages that Kafka already has from an earlier or interrupted run are not published again. Exit code 0: everything
    is in; 1: something was refused, or Kafka became unavailable; 130: stopped. `--clear` shows the first records in a
    dry run.
    """
    from hotline.cli.import_view import Preview, show_totals
    from hotline.importer import report as reports
    from hotline.importer.columns import columns_of
    from hotline.importer.item import Options
    from hotline.importer.run import Import
    from hotline.importer.sources import find
    from hotline.runtime.components_connectors import naming_key

    settings = settings_of(ctx)
    intake = _intake(settings, account, jurisdiction)
    sources, preview = find(paths), Preview(clear)
    options = Options(
        columns=columns_of(mapping or (), mapping_file),
        channel=channel,
        sheet=sheet,
        encoding=encoding,
        delimiter=delimiter,
        naming_key=naming_key(settings),
        heard=preview.heard,
    )
    began, totals = time.monotonic(), reports.Totals()
    with reports.opened(totals, report) as refused, _stoppable() as stop, _ticks(paths, as_json) as tick:

        def start(destination: "Destination", ledger: "Memory") -> None:
            parts = (intake, options, destination, ledger, refused, totals)
            Import(*parts, rate=rate, stop=stop, tick=tick, complain=complain).run(sources)

        start(preview, preview) if dry_run else _publish(settings, start, again)
    seconds = time.monotonic() - began
    if as_json:
        print_json(_line(totals, dry_run, seconds))
    else:
        if dry_run:
            preview.show()
        show_totals(totals, report, dry_run, seconds)
    _leave(totals)


def _publish(settings: "Settings", start: "Start", again: bool) -> None:
    """Publish what Kafka does not hold yet; `again` forgets first what it holds."""
    from connectors.publish.publisher import Publisher
    from hotline.admin.topics import Provision
    from hotline.config import clients
    from hotline.importer.ledger import Ledger
    from hotline.runtime.logging import tracing
    from schemas import topics
    from storage import private_files

    connection = clients.kafka(settings)
    # Of another cluster, or of a topic that was made anew, nothing is known.
    name = Provision(connection).topic_id(topics.BACKFILL)
    with (
        closing(Ledger(settings.data_dir / "imports" / f"{name}.sqlite", forget=again)) as ledger,
        private_files.shut_to_others(),
        tracing(settings.telemetry) as tracer,
        closing(Publisher(connection, clients.blobs(settings), tracer=tracer)) as publisher,
    ):
        start(publisher, ledger)


@contextmanager
def _ticks(paths: list[Path], quiet: bool) -> Iterator["Tick"]:
    """Show a progress bar where somebody watches."""
    from hotline.cli.import_view import Bar

    if quiet or not sys.stderr.isatty():
        yield lambda _, __: None
    else:
        with Bar(paths) as bar:
            yield bar.tick


def _intake(settings: "Settings", account: str | None, jurisdiction: str | None) -> "Intake":
    """Say whose messages these are. Raises MisconfiguredError where that is not clear: a city is never guessed."""
    import re

    from hotline.importer.raws import Intake
    from schemas.errors import MisconfiguredError
    from schemas.ids import is_adcode, is_in_china

    if account is not None and not re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", account):
        raise MisconfiguredError(f"The account {account} must be lower_snake_case, such as old_system.")
    mailbox = settings.connectors.mailbox.get(account) if account else None
    own = mailbox.jurisdiction if mailbox else None
    city = jurisdiction or own or (settings.jurisdiction if "jurisdiction" in settings.model_fields_set else None)
    if city is None:
        raise MisconfiguredError("The city of the messages is missing: name it with --jurisdiction, such as 210100.")
    if not is_adcode(city):
        raise MisconfiguredError(f"The jurisdiction {city} must be six digits, such as 210100.")
    if not is_in_china(city):
        raise MisconfiguredError(f"The jurisdiction {city} is not a 行政区划代码: no province begins with {city[:2]}.")
    if own not in (None, city):
        raise MisconfiguredError(
            f"The mailbox {account} belongs to {own}: leave --jurisdiction out, or choose another account."
        )
    return Intake(account=account, jurisdiction=city)


@contextmanager
def _stoppable() -> "Iterator[Stop]":
    """Let Ctrl-C and SIGTERM end the import behind the batch that is on its way; a second Ctrl-C ends it at once."""
    from hotline.importer.run import Stop

    stop = Stop()

    def asked(number: int, frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.ask()

    before = {number: signal.signal(number, asked) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _line(totals: "Totals", dry_run: bool, seconds: float) -> dict[str, Any]:
    return {
        "files": totals.files,
        "read": totals.read,
        "published": 0 if dry_run else totals.published,
        "known": totals.known,
        "undated": totals.undated,
        "refused": totals.refusals,
        "refused_by_code": dict(totals.refused),
        "stopped": totals.stopped,
        "dry_run": dry_run,
        "seconds": round(seconds, 1),
    }


def _leave(totals: "Totals") -> None:
    if totals.stopped:
        raise typer.Exit(130)
    if totals.refusals:
        raise typer.Exit(1)
