"""What a new connector writes: files that are new, and a line in each table; all of it is thought through before."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from string import Template
from types import MappingProxyType

from msgspec import Struct

from hotline.dev.scaffold import MARK, Kind, tables
from hotline.dev.scaffold.channel import NewConnector
from schemas.errors import MisconfiguredError

TEMPLATES = Path(__file__).parent / "templates"

OTHER_SIDES: Mapping[Kind, str] = MappingProxyType({"pull": "service", "push": "posts", "session": "server"})
"""The files of the tests in which stands what a connector talks to."""

Edit = Callable[[str], str]


class Plan(Struct, frozen=True):
    """The text of each file by its path in the checkout."""

    new: dict[str, str]
    changed: dict[str, str]


def plan(root: Path, wanted: NewConnector) -> Plan:
    """Return what to write; raises MisconfiguredError when a file is there already, or a name would mean two things."""
    made = Plan(dict(_files(wanted)), _edited(root, wanted))
    taken = [path for path in made.new for place in _places(path) if (root / place).exists()]
    taken += [path for path, text in [*made.new.items(), *made.changed.items()] if _is_ambiguous(path, text)]
    if taken:
        raise MisconfiguredError(f"{wanted.name} has another meaning in {', '.join(taken)}: choose another name.")
    return made


def write(root: Path, made: Plan) -> None:
    """Write the plan."""
    for path, text in [*made.new.items(), *made.changed.items()]:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _files(wanted: NewConnector) -> Iterator[tuple[str, str]]:
    name, fill = wanted.name, partial(_filled, wanted=wanted)
    yield f"connectors/{name}.py", fill(f"connector_{wanted.kind}.txt")
    yield f"tests/connectors/{name}/{OTHER_SIDES[wanted.kind]}.py", fill(f"tests_{wanted.kind}.txt")
    yield f"docs/how-to/channels/{name}.md", fill("page.txt")
    if wanted.is_a_channel:
        yield f"normalizers/{name}.py", fill("normalizer.txt")
        yield f"tests/normalizers/cases/{name}/text/raw.txt", fill("case.txt")


def _filled(template: str, wanted: NewConnector) -> str:
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(
        name=wanted.name,
        channel=wanted.channel,
        chinese=wanted.chinese,
        title=wanted.title,
        cls=wanted.class_name,
    )


def _edited(root: Path, wanted: NewConnector) -> dict[str, str]:
    """Return every changed file; raises MisconfiguredError when a table is not where it was."""
    changed: dict[str, str] = {}
    for path, edit in _edits(wanted):
        try:
            changed[path] = edit(changed.get(path) or (root / path).read_text(encoding="utf-8"))
        except LookupError as error:
            raise MisconfiguredError(
                f"{path} has no place for a new line: see hotline/dev/scaffold/plan.py."
            ) from error
    return changed


def _edits(wanted: NewConnector) -> Iterator[tuple[str, Edit]]:
    name, cls, about = wanted.name, wanted.class_name, f"{wanted.title} ({wanted.chinese})"
    entry = f'Entry("{wanted.channel}", "{about}", {cls}Settings, "connectors.{name}:{cls}")'
    yield "connectors/registry.py", partial(tables.imported_beside, line=f"from connectors.{name} import {cls}Settings")
    yield "connectors/registry.py", partial(tables.entered, table=wanted.kind.upper(), name=name, value=entry)
    cells = " | ".join(f"{MARK}: {what}" for what in ("message size", "attachments", "replies", "identity"))
    row = f"| {about} | `{name}` | {cells} | [{name}](../how-to/channels/{name}.md) |"
    yield "docs/reference/channels.md", partial(tables.rowed, row=row)
    link = f"[{wanted.title.lower()}](how-to/channels/{name}.md)"
    yield "docs/README.md", partial(tables.linked, folder="how-to/channels/", link=link)
    yield from _edits_of_the_contract(wanted)
    if wanted.is_a_channel:
        yield from _edits_of_a_channel(name, wanted.chinese)


def _edits_of_the_contract(wanted: NewConnector) -> Iterator[tuple[str, Edit]]:
    """Yield the scenario in what every connector of its kind must do."""
    name, path = wanted.name, f"tests/contract/test_{wanted.kind}_connectors.py"
    scenario = {
        "pull": f"{name}.Service",
        "push": f"Scenario({name}.account, {name}.healthy, {name}.BODY, {name}.FORGED)",
        "session": f"{name}.Server",
    }[wanted.kind]
    line = f"from tests.connectors.{name} import {OTHER_SIDES[wanted.kind]} as {name}"
    yield path, partial(tables.imported_beside, line=line)
    yield path, partial(tables.entered, table="SCENARIOS", name=name, value=scenario)


def _edits_of_a_channel(name: str, chinese: str) -> Iterator[tuple[str, Edit]]:
    """Yield its name in the words of the records, its normalizer, and a message for what every normalizer owes."""
    last = partial(tables.entered, name=name, before="record")
    sample = f'"{MARK}: 幸福路12号的井盖坏了, by 13912345678, and a field odd: kept".encode()'
    yield "schemas/enums.py", partial(last, table="CHANNELS", value=f'"{chinese}"')
    yield "normalizers/registry.py", partial(tables.imported, room="normalizers", name=name)
    yield "normalizers/registry.py", partial(last, table="NORMALIZERS", value=f"{name}.normalize")
    yield "tests/contract/test_normalizers.py", partial(last, table="SAMPLES", value=sample)


def _places(path: str) -> list[str]:
    """Return what must not be there: the file, or a package of the same name."""
    return [path, path.removesuffix(".py")] if path.endswith(".py") else [path]


def _is_ambiguous(path: str, text: str) -> bool:
    return path.endswith(".py") and bool(tables.bound_twice(text))
