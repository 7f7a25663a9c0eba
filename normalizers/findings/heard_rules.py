"""Sentences by which a subject is heard, ready to be asked: a file of them, and `[hearing]` of the subject's rules."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from normalizers import rules
from normalizers.findings.hearing import Hearing, Sentence
from schemas.errors import MisconfiguredError

NOTHING = "none"
"""The value of a sentence that tells nothing of the kind."""


def hearing(subject: str, sentences: Sequence[Sentence], folder: Path | None) -> Hearing:
    """Return what hears a subject by these sentences."""
    said = settings(subject, folder)
    return Hearing(sentences, said["among"], said["least"])


def settings(subject: str, folder: Path | None) -> dict[str, Any]:
    """Return `[hearing]` of a subject's rules."""
    said: dict[str, Any] = rules.load(subject, folder)["hearing"]
    return said


def sentences(subject: str, values: Collection[str], folder: Path | None) -> tuple[Sentence, ...]:
    """Return the lines of `<subject>_heard.tsv`, and ordinary ones: of `ordinary.tsv`, and no emergency of `heard.tsv`.

    Raises MisconfiguredError for a value that nobody knows, or when the file itself has but one kind.
    """
    file = f"{subject}_heard"
    lines = rules.table(file, ("value", "text"), folder)
    unknown = {line["value"] for line in lines} - {*values, NOTHING}
    if unknown:
        raise MisconfiguredError(f"{file}.tsv has values that nobody knows: {', '.join(sorted(unknown))}.")
    own = [Sentence((line["value"],) if line["value"] != NOTHING else (), line["text"]) for line in lines]
    emergencies = rules.table("heard", ("expected", "classes", "text"), folder)
    calm = (Sentence((), line["text"]) for line in emergencies if line["expected"] == NOTHING)
    return *of_both_kinds(file, own), *ordinary(folder), *calm


def ordinary(folder: Path | None) -> tuple[Sentence, ...]:
    """Return the clauses of ordinary letters, which tell nothing of any kind."""
    return tuple(Sentence((), line["text"]) for line in rules.table("ordinary", ("text",), folder))


def of_both_kinds(file: str, found: Sequence[Sentence]) -> tuple[Sentence, ...]:
    """Return the sentences of a file. Raises MisconfiguredError when all of them tell it, or none does."""
    if len({bool(one.labels) for one in found}) < 2:
        raise MisconfiguredError(f"{file}.tsv needs sentences that tell it and others that do not: it compares them.")
    return tuple(found)
