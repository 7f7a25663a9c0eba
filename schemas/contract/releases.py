"""The released versions of the records' shapes: frozen in `schemas/releases/`, each with golden records (ADR 8).

`cut` freezes what the code says now; `faults` says what of the code now, or of a frozen version, breaks the contract.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.contract import compatibility, jsonschema
from schemas.contract.compatibility import Breach, Shape, TopicShape, read
from schemas.envelope import VERSION
from schemas.errors import SchemaError
from schemas.topics import TOPICS

FOLDER = Path(__file__).parents[1] / "releases"
GOLDEN = Path(__file__).parents[1] / "golden" / "v1"
"""A record of each kind in today's shape, with something in every field; a release freezes a copy."""

_DIGESTS, _TOPICS = "digests.json", "topics.json"
_PROSE = ("title", "description", "$id")
"""Words of a schema that change no record."""


class Release(Struct, frozen=True, kw_only=True):
    """One version with its golden records by name, as JSON values."""

    shape: Shape
    golden: Mapping[str, Any]


def current() -> Release:
    """Return what the code says now."""
    schemas = _json(jsonschema.documents())
    topics = {
        topic.name: TopicShape(key=topic.key, partitioned_by=topic.partitioned_by, cleanup_policy=topic.cleanup_policy)
        for topic in TOPICS.values()
    }
    shape = Shape(version=VERSION, schemas=schemas, topics=topics)
    return Release(shape=shape, golden=_records(GOLDEN))


def released(folder: Path = FOLDER) -> list[Release]:
    """Return every released version, oldest first."""
    return [_release(place) for place in sorted(_places(folder), key=lambda place: _numbers(place.name))]


def cut(now: Release, folder: Path = FOLDER) -> Path:
    """Freeze a version and return its folder. The caller has seen that `faults` finds nothing but that it is new."""
    place = folder / now.shape.version
    for path, content in _files(now).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(content)
    return place


def faults(now: Release, folder: Path = FOLDER) -> list[Breach]:
    """Return every breach: of what is frozen, of the shapes since, of the records that a reader cannot read."""
    if touched := [fault for place in _places(folder) for fault in _touched(place)]:
        return touched
    frozen = released(folder)
    return [
        *(fault for one in frozen for fault in _since(one, now)),
        *_version(frozen, now),
        *_unreadable([*frozen, now]),
    ]


def is_new(now: Release, folder: Path = FOLDER) -> bool:
    """Say whether the version that the code calls its own is not released yet."""
    return not (folder / now.shape.version).is_dir()


def _since(one: Release, now: Release) -> Iterator[Breach]:
    for rule, where, says in compatibility.breaches(one.shape, now.shape):
        yield Breach(rule, where, f"since {one.shape.version}, {says}")


def _version(frozen: list[Release], now: Release) -> Iterator[Breach]:
    """Say that a shape which is not the released one calls itself so, or less than it is."""
    if not frozen:
        return
    newest, mine = frozen[-1].shape, now.shape
    major, minor, _ = _numbers(newest.version)
    if _numbers(mine.version) < _numbers(newest.version):
        yield Breach(8, "VERSION", f"{mine.version} is older than the released {newest.version}")
    elif _numbers(mine.version)[:2] == (major, minor) and not _same(newest, mine):
        wanted = f"call them {major}.{minor + 1}.0 in schemas/envelope.py"
        yield Breach(8, "VERSION", f"the shapes are not those of {newest.version}, which is frozen: {wanted}")


def _unreadable(versions: list[Release]) -> Iterator[Breach]:
    """Read all golden records by all readers, and miss none."""
    for reader in versions:
        for name in sorted(reader.shape.schemas.keys() - reader.golden.keys()):
            yield Breach(8, name, f"{reader.shape.version} has no golden record of it")
        for writer in versions:
            for name in sorted(reader.shape.schemas.keys() & writer.golden.keys()):
                yield from _refused(reader, writer, name)


def _refused(reader: Release, writer: Release, name: str) -> Iterator[Breach]:
    try:
        read(reader.shape.schemas[name], writer.golden[name])
    except SchemaError as error:
        says = f"readers of {reader.shape.version} cannot read the golden record of {writer.shape.version}: {error}"
        yield Breach(8, name, says)


def _touched(place: Path) -> Iterator[Breach]:
    """Say which frozen files are not what was frozen."""
    there = {path.relative_to(place).as_posix(): _digest(path.read_bytes()) for path in place.rglob("*.json")}
    digests = place / _DIGESTS
    frozen = msgspec.json.decode(digests.read_bytes(), type=dict[str, str]) if digests.is_file() else {}
    for path in sorted(frozen.keys() | there.keys() - {_DIGESTS}):
        if frozen.get(path) != there.get(path):
            yield Breach(8, f"schemas/releases/{place.name}/{path}", "it is frozen and was changed: restore it")


def _files(release: Release) -> dict[str, bytes]:
    made: dict[str, Any] = {f"jsonschema/{name}.json": schema for name, schema in release.shape.schemas.items()}
    made |= {f"golden/{name}.json": record for name, record in release.golden.items()}
    made[_TOPICS] = release.shape.topics
    files = {path: jsonschema.pretty(content) for path, content in made.items()}
    return {**files, _DIGESTS: jsonschema.pretty({path: _digest(content) for path, content in files.items()})}


def _release(place: Path) -> Release:
    topics = msgspec.json.decode((place / _TOPICS).read_bytes(), type=dict[str, TopicShape])
    shape = Shape(version=place.name, schemas=_records(place / "jsonschema"), topics=topics)
    return Release(shape=shape, golden=_records(place / "golden"))


def _records(folder: Path) -> dict[str, Any]:
    return {path.stem: msgspec.json.decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def _places(folder: Path) -> list[Path]:
    return [place for place in folder.glob("*.*.*") if place.is_dir()]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _same(one: Shape, other: Shape) -> bool:
    """Compare two versions without their prose, and without what names the version itself."""
    bare, bare_other = (_without_prose(shape.schemas, shape.version) for shape in (one, other))
    return bool(bare == bare_other and one.topics == other.topics)


def _without_prose(schema: Any, version: str) -> Any:
    if isinstance(schema, list):
        return [_without_prose(item, version) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    told = {key: value for key, value in schema.items() if key not in _PROSE or isinstance(value, Mapping)}
    return {key: _without_prose(value, version) for key, value in told.items() if (key, value) != ("default", version)}


def _json(value: Any) -> Any:
    """Return a value as it is after a journey through JSON."""
    return msgspec.json.decode(msgspec.json.encode(value))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
