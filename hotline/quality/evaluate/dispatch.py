"""Dispatch (派单): whether the directory proposes the office that a person names.

A row has a `text` and, in `organizer`, `expected` or `label`, the office: its code in the directory, or its name.
Beside it may stand `title`, `place`, what a clerk says of it (the codes `kind` and `category`, which count instead of
what is found) and, for a city with a directory of its own, the city's adcode (`jurisdiction`).
"""

from collections.abc import Mapping

from hotline.quality.evaluate.figures import Figure, share
from hotline.quality.evaluate.findings import JURISDICTION, UNKNOWN, Judged, figures
from hotline.quality.evaluate.labelled import Paths, Row, as_input, rows, told
from hotline.trial import run
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError
from schemas.records import Message
from tickets.codes import by_kind
from tickets.policy import directories_of
from tickets.routing.directory import Directories, Directory
from tickets.routing.dispatch import Case, propose

_LABELS = ("organizer", "expected", "label")


def measure(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the proposed office of each message, by its findings, with its label.

    Raises MisconfiguredError for files without labels, and a label that is no office of the city's directory.
    """
    known = directories_of(rules)
    labelled = [(row, _label(row, said, known)) for row in rows(paths) if (said := _said(row))]
    if not labelled:
        raise MisconfiguredError(f"No row of {told(paths)} has a label: name it {' or '.join(_LABELS)}.")
    inputs = (as_input(row, str(row["id"]), ("jurisdiction",)) for row, _ in labelled)
    results = run.run(inputs, stage="message", jurisdiction=JURISDICTION, rules=rules)
    found = [_found(row, result["message"], known) for (row, _), result in zip(labelled, results, strict=True)]
    listed = sum(by_rule for _, by_rule in found)
    judged = [Judged(label, organizer) for (_, label), (organizer, _) in zip(labelled, found, strict=True)]
    rate = share(len(judged) - listed, len(judged))
    return [
        *figures(judged),
        Figure(name="unlisted", value=rate, meaning="messages that no rule of the directory lists"),
    ]


def _found(row: Row, message: Message | None, known: Directories) -> tuple[str, bool]:
    """Return the office that the directory proposes, and whether one of its rules did."""
    directory = known.of(message.jurisdiction) if message else None
    if message is None or directory is None:
        return UNKNOWN, False
    codes = by_kind(message.features.codes)
    kind, category = row.get("kind") or codes.get("request_kind"), row.get("category") or codes.get("category")
    case = Case(kind=kind, category=category, place=codes.get("place"))
    proposal = propose(directory, "", case)
    return proposal.organizer or UNKNOWN, proposal.rule_id is not None


def _said(row: Row) -> str | None:
    return next((str(row[name]).strip() for name in _LABELS if row.get(name)), None)


def _label(row: Row, said: str, known: Directories) -> str:
    directory = known.of(str(row.get("jurisdiction") or JURISDICTION))
    offices: Mapping[str, str] = _codes(directory) if directory else {}
    if said not in offices:
        raise MisconfiguredError(
            f"Row {row['id']}: a label is not an office of the city's directory: use a code of [offices]."
        )
    return offices[said]


def _codes(directory: Directory) -> dict[str, str]:
    """Return the codes of offices by code and by name."""
    return {**{name: code for code, name in directory.offices.items()}, **{code: code for code in directory.offices}}
