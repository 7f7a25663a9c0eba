"""Findings of a message (kind, category, emergency, duties) compared with a person's labels."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from hotline.quality.evaluate.figures import Figure, f1, share
from hotline.quality.evaluate.labelled import Paths, Row, as_input, rows, told
from hotline.trial import run
from normalizers.enrich import category as categories
from normalizers.enrich.acceptance import NOT_ACCEPTED
from normalizers.enrich.category import CategoryModel, load
from normalizers.enrich.confidentiality import ANONYMOUS, CONFIDENTIALITY
from normalizers.enrich.minors import HARMED
from normalizers.enrich.minors import MINOR as MINOR_KIND
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import enums
from schemas.errors import MisconfiguredError
from schemas.records import Message

JURISDICTION = "110000"

UNKNOWN = enums.UNKNOWN
NONE = "none"
"""Labels and findings without an answer to the question."""

ALARM, MENTIONED = "alarm", "mentioned"
WITHHELD, CONFIDENTIAL = "withheld", "confidential"
HARM, MINOR = "harm", "minor"

_EXPECTED = ("expected", "label")

_KINDS = {name: code for code, name in enums.REQUEST_KINDS.items()}
"""Codes of the request kinds (诉求类型) by their 中文."""


class Judged(NamedTuple):
    """A person's label of one message, and the pipeline's finding."""

    label: str
    found: str


def kind(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the request kind (诉求类型) with the column `kind` or `label`: a code or its 中文."""
    return figures(_judged(paths, rules, ("kind", "label"), _kind_label, _found("request_kind")))


def category(paths: Paths, rules: Rules = DEFAULT_RULES, model: CategoryModel | None = None) -> list[Figure]:
    """Compare the class (一级事项分类) with the column `category` or `label`: a class's name, or any code of it.

    With a `model` its word counts, and that of the rules where it is not sure. A label that neither knows is never
    right, and is counted.
    """
    codes = categories.codes(rules)
    learned = (label.split(".", 1)[0] for label in (model.card.labels if model else ()))
    known = {*codes.values(), *learned, UNKNOWN}
    found = _found("category")

    def label_of(said: str) -> str:
        return codes.get(said, said).split(".", 1)[0]

    judged = _judged(
        paths, rules, ("category", "label"), label_of, lambda message: found(message).split(".", 1)[0], model
    )
    strange = [one.label for one in judged if one.label not in known]
    named = f" ({', '.join(dict.fromkeys(strange))})" if strange else ""
    return [
        *figures(judged),
        Figure(
            name="labels_unknown",
            value=len(strange),
            meaning=f"rows whose label is no category, and can never be right{named}",
        ),
    ]


def category_model(paths: Paths, model: Path, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the class that a model of the city's own says with the labels, as `category` does."""
    return category(paths, rules, load(model))


def emergency(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the alarm with the column `expected` or `label`: alarm, mentioned (past or denied) or none."""
    label_of = _one_of("an emergency", ALARM, MENTIONED, NONE)
    made = _judged(paths, rules, _EXPECTED, label_of, _alarm)
    ordinary = [one for one in made if one.label != ALARM]
    false = share(sum(one.found == ALARM for one in ordinary), len(ordinary))
    meaning = "messages without a present emergency that alarm"
    return [*figures(made), Figure(name="false_alarms", value=false, meaning=meaning)]


def confidentiality(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare what is asked for with the column `expected` or `label`: withheld (匿名), confidential (保密) or none."""
    label_of = _one_of("a wish", WITHHELD, CONFIDENTIAL, NONE)
    return figures(_judged(paths, rules, _EXPECTED, label_of, _wish))


def minors(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the flag (未成年人) with the column `expected` or `label`: harm (强制报告), minor or none."""
    label_of = _one_of("a minor", HARM, MINOR, NONE)
    return figures(_judged(paths, rules, _EXPECTED, label_of, _minor))


def acceptance(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compare the reason not to take it (不予受理) with the column `expected` or `label`: its code, or none."""
    label_of = _one_of("a reason", *enums.NOT_ACCEPTED, NONE)
    made = _judged(paths, rules, _EXPECTED, label_of, _refusal)
    ordinary = [one for one in made if one.label == NONE]
    false = share(sum(one.found != NONE for one in ordinary), len(ordinary))
    meaning = "messages to be taken of which it is proposed not to"
    return [*figures(made), Figure(name="false_proposals", value=false, meaning=meaning)]


def figures(judged: Sequence[Judged]) -> list[Figure]:
    """Return the figures; the macro-F1 is the mean over the labels that occur, whatever else was found."""
    right = sum(one.label == one.found for one in judged)
    unknown = sum(one.found == UNKNOWN for one in judged)
    classes = sorted(Counter(one.label for one in judged))
    each = [(name, *_class(name, judged)) for name in classes]
    mean = share(sum(score or 0.0 for *_, score in each), len(each))
    return [
        Figure(name="rows", value=len(judged), meaning="labelled messages"),
        Figure(name="accuracy", value=share(right, len(judged)), meaning="messages with the right answer"),
        Figure(name="macro_f1", value=mean, meaning="mean of the labels' F1"),
        Figure(name="unknown", value=share(unknown, len(judged)), meaning="messages of which the rules say nothing"),
        *(figure for name, *scores in each for figure in _of_class(name, judged, scores)),
    ]


def _class(name: str, judged: Sequence[Judged]) -> tuple[float | None, float | None, float | None]:
    right = sum(one.label == one.found == name for one in judged)
    precision = share(right, sum(one.found == name for one in judged))
    recall = share(right, sum(one.label == name for one in judged))
    return precision, recall, f1(precision, recall)


def _of_class(name: str, judged: Sequence[Judged], scores: Sequence[float | None]) -> Iterator[Figure]:
    labelled = sum(one.label == name for one in judged)
    yield Figure(name=f"{name}_rows", value=labelled, meaning=f"messages labelled {name}")
    for score, value in zip(("precision", "recall", "f1"), scores, strict=True):
        yield Figure(name=f"{name}_{score}", value=value, meaning=f"{score} of {name}")


def _judged(
    paths: Paths,
    rules: Rules,
    columns: tuple[str, ...],
    label_of: Callable[[str], str],
    found_of: Callable[[Message], str],
    model: CategoryModel | None = None,
) -> list[Judged]:
    """Return label and answer of each row that has a label; the pipeline never sees the label."""
    labelled = [(row, _label(row, label, label_of)) for row in rows(paths) if (label := _said(row, columns))]
    if not labelled:
        raise MisconfiguredError(f"No row of {told(paths)} has a label: name it {' or '.join(columns)}.")
    inputs = (as_input(_bare(row), str(row["id"])) for row, _ in labelled)
    results = run.run(inputs, stage="message", jurisdiction=JURISDICTION, rules=rules, category_model=model)
    return [
        Judged(label, found_of(result["message"]) if result["message"] else UNKNOWN)
        for (_, label), result in zip(labelled, results, strict=True)
    ]


def _label(row: Row, said: str, label_of: Callable[[str], str]) -> str:
    try:
        return label_of(said)
    except MisconfiguredError as error:
        raise MisconfiguredError(f"Row {row['id']}: {error}") from error


def _said(row: Row, columns: tuple[str, ...]) -> str | None:
    return next((str(row[name]).strip() for name in columns if row.get(name)), None)


def _bare(row: Row) -> Row:
    """Return the row without its channel's fields: the rules are asked, not the channel."""
    return {name: value for name, value in row.items() if name not in ("kind", "category")}


def _kind_label(said: str) -> str:
    code = _KINDS.get(said, said)
    if code not in enums.REQUEST_KINDS:
        raise MisconfiguredError(f"A label is not a request kind: use {', '.join(enums.REQUEST_KINDS)}, or the 中文.")
    return code


def _one_of(what: str, *labels: str) -> Callable[[str], str]:
    def label_of(said: str) -> str:
        if said not in labels:
            raise MisconfiguredError(f"A label of {what} must be one of {', '.join(labels)}.")
        return said

    return label_of


def _found(kind_of: str) -> Callable[[Message], str]:
    def found(message: Message) -> str:
        return next((one.value for one in message.findings if one.kind == kind_of), UNKNOWN)

    return found


def _alarm(message: Message) -> str:
    if message.emergency is None:
        return NONE
    return MENTIONED if message.emergency.level == MENTIONED else ALARM


def _wish(message: Message) -> str:
    kinds = {one.kind for one in message.findings}
    return WITHHELD if ANONYMOUS in kinds else CONFIDENTIAL if CONFIDENTIALITY in kinds else NONE


def _refusal(message: Message) -> str:
    return next((one.value for one in message.findings if one.kind == NOT_ACCEPTED), NONE)


def _minor(message: Message) -> str:
    kinds = {one.kind for one in message.findings}
    return HARM if HARMED in kinds else MINOR if MINOR_KIND in kinds else NONE
