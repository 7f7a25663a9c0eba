"""Duplicates: whether every message finds its incident, and only that.

A row's `cluster` names its incident; rows without one are of no known incident. Beside `NAME.jsonl`, a file
`NAME_hard_negatives.csv` with the columns id_a and id_b may name pairs that only look alike.

B-cubed (Bagga and Baldwin 1998) asks for each row which share of its cluster is of its incident (precision), and which
share of its incident is in its cluster (recall).
"""

import csv
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from hotline.quality.evaluate.figures import Figure, f1, share
from hotline.quality.evaluate.labelled import Paths, Row, as_input, files, rows, scope
from hotline.trial import run
from normalizers.rules import DEFAULT_RULES, Rules

JURISDICTION = "110000"

Labels = Mapping[str, Hashable]
"""By the id of the row."""


def measure(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Decide about every row in the order of the files, as one stream, and compare the clusters with the labels."""
    apart = [
        (f"{scope(path, paths)}{one}", f"{scope(path, paths)}{other}")
        for path in files(paths)
        for one, other in look_alikes(path)
    ]
    return measured(list(rows(paths)), apart, rules)


def measured(found: Sequence[Row], apart: Sequence[tuple[str, str]], rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Decide about these rows in their order; `apart` are the pairs that only look alike."""
    incidents = {str(row["id"]): row["cluster"] for row in found if row.get("cluster") is not None}
    inputs = map(as_input, found, map(_id, found))
    results = list(run.run(inputs, stage="ticket", jurisdiction=JURISDICTION, rules=rules))
    clusters = {r["input"]: r["ticket"].cluster_id if r["ticket"] else r["input"] for r in results}
    tickets = {r["input"]: r["ticket"].ticket_id if r["ticket"] else r["input"] for r in results}
    return [*_clusters(clusters, incidents), *_wrong(clusters, tickets, incidents, apart)]


def _id(row: Row) -> str:
    return str(row["id"])


def _clusters(clusters: Labels, incidents: Labels) -> list[Figure]:
    precision, recall = bcubed(clusters, incidents)
    joined, same = _counted_pairs(clusters, incidents), _counted_pairs(incidents, incidents)
    right = sum(clusters[one] == clusters[other] for one, other in same)
    return [
        Figure(name="rows", value=len(clusters), meaning="messages"),
        Figure(name="labelled", value=len(incidents), meaning="messages of a known incident"),
        Figure(name="incidents", value=len(set(incidents.values())), meaning="known incidents"),
        Figure(name="bcubed_precision", value=precision, meaning="B-cubed over the labelled rows"),
        Figure(name="bcubed_recall", value=recall, meaning="B-cubed over the labelled rows"),
        Figure(name="bcubed_f1", value=f1(precision, recall), meaning="their harmonic mean"),
        Figure(name="pair_precision", value=share(right, len(joined)), meaning="pairs joined that belong together"),
        Figure(name="pair_recall", value=share(right, len(same)), meaning="pairs of one incident that are joined"),
    ]


def _wrong(clusters: Labels, tickets: Labels, incidents: Labels, apart: Sequence[tuple[str, str]]) -> list[Figure]:
    known = [(one, other) for one, other in apart if one in clusters and other in clusters]
    linked = sum(clusters[one] == clusters[other] for one, other in known)
    everyone = {one: incidents.get(one, (one,)) for one in clusters}
    precision, _ = bcubed(clusters, everyone)
    merged = sum(incidents[one] != incidents[other] for one, other in _counted_pairs(tickets, incidents))
    return [
        Figure(name="precision_of_all", value=precision, meaning="B-cubed precision, every other row its own incident"),
        Figure(name="wrong_tickets", value=merged, meaning="pairs of two known incidents in one ticket"),
        Figure(name="hard_negatives", value=len(known), meaning="pairs that only look alike"),
        Figure(name="hard_negative_error", value=share(linked, len(known)), meaning="of these, how many are joined"),
    ]


def bcubed(clusters: Labels, incidents: Labels) -> tuple[float | None, float | None]:
    """Return B-cubed precision and recall over the rows that have an incident."""
    both = Counter((clusters[one], incident) for one, incident in incidents.items())
    found = Counter(clusters[one] for one in incidents)
    known = Counter(incidents.values())
    precision = sum(count * count / found[cluster] for (cluster, _), count in both.items())
    recall = sum(count * count / known[incident] for (_, incident), count in both.items())
    return share(precision, len(incidents)), share(recall, len(incidents))


def _counted_pairs(groups: Labels, among: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs of rows that are in one group."""
    members: dict[Hashable, list[str]] = {}
    for one in among:
        members.setdefault(groups[one], []).append(one)
    return [pair for group in members.values() for pair in combinations(group, 2)]


def look_alikes(path: Path) -> list[tuple[str, str]]:
    """Return the pairs of rows in the file beside `path` that only look alike; none when there is no such file."""
    beside = path.with_name(f"{path.stem}_hard_negatives.csv")
    if not beside.is_file():
        return []
    with beside.open(encoding="utf-8-sig", newline="") as file:
        return [(row["id_a"], row["id_b"]) for row in csv.DictReader(file)]
