"""A model from labelled messages: learned, kept with its card, used where it is sure."""

import gzip
import json
import random
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hotline.cli.app import app
from hotline.quality.learn import category as learning
from hotline.quality.learn import labelled
from hotline.quality.learn.labelled import Labelled
from normalizers import rules
from normalizers.base import Draft, Policy
from normalizers.enrich import annotators, category
from normalizers.enrich.category import CategoryModel
from normalizers.rules import DEFAULT_RULES
from normalizers.text.fold import fold
from schemas.errors import MisconfiguredError

WORDS = {
    "城乡建设": ["自来水", "停水", "路灯", "井盖", "物业", "小区", "开发商", "房产证"],
    "交通运输": ["出租车", "司机", "打表", "快递", "公路", "班车", "高速", "票价"],
    "宠物": ["遛狗", "狗绳", "犬吠", "猫粮", "宠物", "疫苗本", "犬只", "办狗证"],
}


def messages(count: int = 40, seed: int = 1) -> list[Labelled]:
    chance = random.Random(seed)
    return [
        Labelled("", "，".join(chance.choices(words, k=6)) + f"，反映{number}次", label)
        for label, words in WORDS.items()
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CategoryModel:
    return category.load(learning.learn(messages(), tmp_path_factory.mktemp("models"), DEFAULT_RULES))


def test_a_model_knows_what_it_was_shown(model: CategoryModel) -> None:
    answers = {label: model.category("", fold("，".join(words[:3]))) for label, words in WORDS.items()}
    assert {label: found.value for label, found in answers.items() if found} == {
        "城乡建设": "construction", "交通运输": "transport", "宠物": "宠物",
    }  # fmt: skip
    assert {(found.source, found.version) for found in answers.values() if found} == {
        ("model", f"model.{model.card.sha256[:12]}")
    }


def test_the_card_tells_what_it_was_made_of_and_how_right_it_is(model: CategoryModel) -> None:
    assert model.card.labels == {"construction": 40, "transport": 40, "宠物": 40}
    assert model.card.rows == 120
    assert model.card.accuracy > 0.95


def test_scores_are_probabilities(model: CategoryModel) -> None:
    scores = model.scores("", "自来水停水")
    assert scores.sum() == pytest.approx(1)
    assert (scores >= 0).all()


def test_two_labels_are_enough_and_told_apart(tmp_path: Path) -> None:
    made = category.load(learning.learn([one for one in messages() if one.label != "宠物"], tmp_path, DEFAULT_RULES))
    water, taxi = made.category("", "自来水停水井盖"), made.category("", "出租车司机不打表")
    assert water is not None
    assert taxi is not None
    assert (water.value, taxi.value) == ("construction", "transport")


def test_what_a_model_is_not_sure_of_is_left_to_the_rules(model: CategoryModel) -> None:
    policy = Policy(category_model=model)
    assert category_of("猫粮犬只遛狗", policy) == ("宠物", "model")
    unsure = "医生，病历，护士"
    assert model.category("", unsure) is None
    assert category_of(unsure, policy) == ("health.hospital", "rule")


def category_of(text: str, policy: Policy) -> tuple[str, str]:
    found = annotators.annotate(Draft(text=text), text, "210100", policy).findings
    return next((one.value, one.source) for one in found if one.kind == "category")


def test_the_score_is_of_messages_that_the_model_had_not_seen(tmp_path: Path) -> None:
    chance = random.Random(7)
    noise = [
        Labelled("", "".join(chance.choices("一二三四五六七八九十", k=40)), chance.choice("甲乙")) for _ in range(200)
    ]
    card = category.load(learning.learn([*noise, *noise], tmp_path, DEFAULT_RULES)).card
    assert card.rows == 200
    assert card.accuracy < 0.65


def test_too_little_to_learn_from_is_said(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="at least two categories with 10 messages"):
        learning.learn(messages(count=9), tmp_path, DEFAULT_RULES)


def test_a_model_that_is_not_the_one_of_its_card_is_refused(tmp_path: Path) -> None:
    path = learning.learn(messages(), tmp_path, DEFAULT_RULES)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(MisconfiguredError, match="not match its card"):
        category.load(path)
    with pytest.raises(MisconfiguredError, match="hotline learn category"):
        category.load(tmp_path / "none.npz")


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.jsonl.gz", "a.tsv.gz"])
def test_labelled_files_are_read_whatever_they_are(tmp_path: Path, name: str) -> None:
    rows = [("停水", "三天\n没水", "城乡建设"), ("", "司机", "交通运输")]
    if ".jsonl" in name:
        fields = ("subject", "body", "label")
        data = "\n".join(json.dumps(dict(zip(fields, row, strict=True)), ensure_ascii=False) for row in rows)
    else:
        mark = "," if ".csv" in name else "\t"
        quoted = ['"{}"'.format(f'"{mark}"'.join(row)) for row in [("标题", "诉求内容", "事项分类"), *rows]]
        data = "\n".join(quoted)
    file = tmp_path / name
    file.write_bytes(gzip.compress(data.encode()) if name.endswith(".gz") else data.encode("utf-8-sig"))
    assert [tuple(row) for row in labelled.read([file])] == rows


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.jsonl", b"[1]\n", "line 1 of a.jsonl"),
        ("a.csv", b"x,y\n1,2\n", "no column category or label"),
        ("a.csv", b"label,x\n1,2\n", "no column text or body"),
        (
            "a.jsonl",
            b'{"txt": "x", "category": "y"}\n',
            "No row of a.jsonl has both a label and a text: use one of the column names category, label",
        ),
        ("a.csv", b"label,text\n,1\n", "No row of a.csv"),
        ("a.jsonl", b"\xff\xfe", "UTF-8"),
        ("a.jsonl.gz", b"no gzip", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MisconfiguredError, match=says):
        list(labelled.read([tmp_path / name]))


def test_the_verb_prints_the_card(tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(
        "\n".join(json.dumps({"text": row.text, "category": row.label}, ensure_ascii=False) for row in messages()),
        encoding="utf-8",
    )
    done = CliRunner().invoke(app, ["learn", "category", str(data), "--out", str(tmp_path / "models")])
    assert done.exit_code == 0, done.output
    (model,) = (tmp_path / "models").glob("*.npz")
    assert json.loads(done.stdout)["sha256"][:12] in model.name
    assert str(model) in done.stderr


def test_a_label_that_names_a_class_of_the_citys_own_becomes_its_code(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    ours = (Path(rules.__file__).parent / "category.toml").read_text("utf-8")
    (tmp_path / "category.toml").write_text(ours.replace('transport = "交通运输"', 'transport = "行路"', 1), "utf-8")
    env.setenv("HOTLINE_RULES__FOLDER", str(tmp_path))
    named = [row._replace(label="行路" if row.label == "交通运输" else row.label) for row in messages()]
    lines = [json.dumps({"text": row.text, "category": row.label}, ensure_ascii=False) for row in named]
    (tmp_path / "data.jsonl").write_text("\n".join(lines), "utf-8")
    done = CliRunner().invoke(app, ["learn", "category", "data.jsonl", "--out", "models"])
    assert json.loads(done.stdout)["labels"] == {"construction": 40, "transport": 40, "宠物": 40}


def test_a_model_is_tried_and_measured_as_the_pipeline_asks_it(tmp_path: Path, env: pytest.MonkeyPatch) -> None:
    path = learning.learn(messages(), tmp_path / "models", DEFAULT_RULES)
    env.setenv("HOTLINE_RULES__CATEGORY_MODEL", str(path))
    rows = [{"text": "遛狗不牵狗绳，犬吠扰民", "label": "宠物"}, {"text": "出租车司机不打表", "label": "交通运输"}]
    (tmp_path / "a.jsonl").write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), "utf-8")
    tried = CliRunner().invoke(app, ["try", "a.jsonl"])
    found = [json.loads(line)["message"]["findings"] for line in tried.stdout.splitlines()]
    assert [one["value"] for findings in found for one in findings if one["source"] == "model"] == ["宠物", "transport"]
    for more, accuracy in (([], 0.5), (["--model", str(path)], 1.0)):
        measured = CliRunner().invoke(app, ["evaluate", "category", "a.jsonl", "--json", *more])
        assert json.loads(measured.stdout)["accuracy"] == accuracy
