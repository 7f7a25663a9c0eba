"""Every file becomes items, and whatever is wrong with one of them is an item, too: never an exception."""

import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from hotline.importer import mails, records, sheets, tables
from hotline.importer.item import Item, Options
from hotline.importer.sources import Kind, Source
from schemas.errors import MalformedError, PipelineError, RecordError, UnsupportedError

Reader = Callable[[Source, Options], Iterator[Item]]


class UnreadableError(PipelineError):
    """The file system does not give the bytes of a file."""

    code = "unreadable"


def unknown(source: Source, options: Options) -> Iterator[Item]:
    """Refuse a file of no format that is known."""
    yield Item(place=source.name, fault=UnsupportedError(source.advice))


READERS: Mapping[Kind, Reader] = MappingProxyType(
    {
        "records": records.read,
        "table": tables.read,
        "sheet": sheets.read,
        "mbox": mails.read_mbox,
        "mail": mails.read,
        "unknown": unknown,
    }
)


def read(source: Source, options: Options) -> Iterator[Item]:
    """Yield the items of a file; where it breaks off, the last one says so, and the next file goes on."""
    line: int | None = None
    fault: PipelineError
    try:
        for item in READERS[source.kind](source, options):
            line = item.line
            yield item
    except (EOFError, zlib.error, OSError) as error:
        reason = getattr(error, "strerror", None) or "it is truncated or damaged"
        fault = UnreadableError(f"the file cannot be read further ({reason}): the rest was not imported")
        yield Item(place=source.name, line=line, fault=fault)
    except RecordError as error:
        yield Item(place=source.name, line=line, fault=error)
    except Exception as error:  # noqa: BLE001 - a file of a stranger, read by libraries of others
        fault = MalformedError(f"the file is truncated ({type(error).__name__}): the rest was not imported")
        yield Item(place=source.name, line=line, fault=fault)
