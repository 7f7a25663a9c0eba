"""Targets: files that people give us: archives to import, settings, rules and policies of a city."""

import gzip
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl

from benchmarks.fuzz.doors import kept
from benchmarks.fuzz.places import folder
from benchmarks.fuzz.target import Target, chosen
from hotline.config import load
from hotline.importer import columns
from hotline.importer.sources import BY_SUFFIX
from hotline.quality.evaluate import labelled
from hotline.quality.learn import addresses
from hotline.quality.learn import labelled as category
from hotline.trial.inputs import Input
from normalizers import rulebooks, rules
from normalizers.rules import Rules
from schemas.errors import MisconfiguredError
from tests.hotline.imports.reading import imported
from tickets import policies, policy
from tickets.receipts import render

RULE_FILES = ("kind", "hotlines", "confidentiality", "minors", "acceptance", "services")
"""Those that are made ready in milliseconds; the others are read by the same functions."""


def _import(suffix: str, data: bytes) -> None:
    """Every record of a file becomes a message or a refusal with a reason, and none is counted twice."""
    path = folder() / f"a{suffix}"
    path.write_bytes(data)
    memory, totals = imported(path)
    assert totals.read == totals.published + totals.known + totals.refusals
    assert totals.refused["internal"] == 0, "a fault of ours"
    assert len({raw.message_id for raw in memory.messages}) == totals.published
    kept(memory.messages)


def _packed(suffix: str, data: bytes) -> None:
    _import(f"{suffix}.gz", gzip.compress(data, 1))


def _labelled(read: Callable[[Path], Iterable[object]], suffix: str, data: bytes) -> None:
    """A file that somebody labelled: rows, or a sentence that says what is wrong with it."""
    path = folder() / f"labelled{suffix}"
    path.write_bytes(data)
    _judged(lambda: list(read(path)))


def _evaluated(path: Path) -> Iterator[Input]:
    yield from (labelled.as_input(row, path.name) for row in labelled.rows(path))


def _settings(data: bytes) -> None:
    """A settings file is right, or each fault is a sentence."""
    path = folder() / "hotline.toml"
    path.write_bytes(data)
    try:
        load.load(path)
    except load.FaultySettingsError as error:
        _told(error.faults)


def _columns(data: bytes) -> None:
    path = folder() / "columns.toml"
    path.write_bytes(data)
    _judged(lambda: columns.columns_of((), path))


def _rules(name: str, data: bytes) -> None:
    """A rule file can be used, or is refused by its name."""
    own = folder() / "rules"
    own.mkdir(exist_ok=True)
    path = own / f"{name}.toml"
    path.write_bytes(data)
    _judged(lambda: rulebooks.verify_one(Rules(own), name))
    path.unlink()


_POLICIES: dict[str, Callable[[Rules], Any]] = {
    "deadlines": policy.limits_of,
    "calendars": policy.limits_of,
    "dispatch": policy.directories_of,
    "answers": render.wording,
    "near": policy.near_policy,
}


def _policy(kind: str, name: str, data: bytes) -> None:
    """A policy file can be used, or is refused by its name."""
    path = folder() / "policies" / kind / f"{name}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    _judged(lambda: _POLICIES[kind](Rules(folder() / "policies")))
    path.unlink()


def _judged(read: Callable[[], Any]) -> None:
    try:
        read()
    except MisconfiguredError as error:
        _told([str(error)])


def _told(faults: Sequence[str]) -> None:
    """Check that there is a sentence for each fault."""
    assert faults
    assert all(fault.strip() for fault in faults)


def _workbook() -> bytes:
    book, into = openpyxl.Workbook(), BytesIO()
    for row in (["正文", "时间"], ["灯坏了", 45293.5], ["路坏了", "昨天"]):
        book.active.append(row)
    book.save(into)
    return into.getvalue()


_MAIL = b"From a Tue Jan  2 03:04:05 2024\nFrom: a@b.cn\nSubject: a\n\nb\n"
_TABLE = "正文,标题,诉求时间,来电号码\n灯坏了,灯,2026-11-25,13800138000\n".encode()
_SEEDS: dict[str, tuple[bytes, ...]] = {
    ".jsonl": ('{"text":"灯坏了","id":"1","received_at":"2026-11-25"}\n'.encode(),),
    ".csv": (_TABLE, _TABLE.decode().encode("gb18030")),
    ".tsv": (_TABLE.replace(b",", b"\t"),),
    ".xlsx": (_workbook(),),
    ".mbox": (_MAIL + _MAIL,),
    ".eml": (_MAIL[32:],),
    "": (_MAIL, _TABLE),
}

_TOML = (
    b'jurisdiction = "210100"\n[connectors.mailbox.mayor]\nhost = "imap.example.cn"\nusername = "a"\n[kafka]\n'
    b'bootstrap_servers = "k:1"\n[connectors.web.city]\nclients = {}\n[floods]\n[telemetry]\nport = 1\n'
)


def targets() -> dict[str, Target]:
    """Return the targets of this room."""
    assert _SEEDS.keys() - {""} <= BY_SUFFIX.keys()
    ours = {name: (Path(rules.__file__).parent / f"{name}.toml").read_bytes() for name in RULE_FILES}
    theirs = [(kind, name) for kind in _POLICIES for name in policies.read(kind)]
    files = {one: (Path(policies.__file__).parent / one[0] / f"{one[1]}.toml").read_bytes() for one in theirs}
    table = "类别\t标题\t内容\n环境保护\t噪音\t太吵了\n".encode()
    line = '{"text":"太吵了","label":"环境保护","id":"1","received_at":"2026-11-25"}\n'.encode()
    evaluated, learned = partial(_labelled, _evaluated), partial(_labelled, lambda path: category.read([path]))
    return {
        "labelled": chosen(
            (
                (partial(evaluated, ".jsonl"), (line,)),
                (partial(evaluated, ".tsv"), (b"text\tlabel\na\tb\n",)),
                (partial(learned, ".jsonl"), (line,)),
                (partial(learned, ".tsv"), (table,)),
                (partial(learned, ".csv.gz"), (gzip.compress(table.replace(b"\t", b",")),)),
                (
                    partial(_labelled, lambda path: addresses.read([path]), ".conll"),
                    ("杭 B-city\n州 I-city\n\n西 B-district\n湖 I-district\n".encode(),),
                ),
            )
        ),
        "imports": chosen(
            (
                *((partial(_import, suffix), seeds) for suffix, seeds in _SEEDS.items()),
                (partial(_packed, ".csv"), (_TABLE,)),
                (partial(_import, ".jsonl.gz"), (gzip.compress(_SEEDS[".jsonl"][0]),)),
            )
        ),
        "settings": chosen(((_settings, (_TOML,)), (_columns, ('"正文" = "text"\n'.encode(),)))),
        "rules": chosen(tuple((partial(_rules, name), (text,)) for name, text in ours.items())),
        "policies": chosen(tuple((partial(_policy, *one), (text,)) for one, text in files.items())),
    }
