"""Whoever writes for another says so, in words that no request to the hotline itself has."""

from importlib import resources
from pathlib import Path

import pytest

from normalizers.base import Draft, Policy
from normalizers.rules import Rules
from normalizers.similarity.stated_identity import ON_BEHALF, rulebook, stated_names
from normalizers.text.fold import fold
from schemas.records import Party
from tests.rows import each_row


@each_row(
    ("text", "whom"),
    [
        ("替我妈问一下，她的高龄津贴什么时候发", "母亲"),
        ("我替母亲咨询退休金", "母亲"),
        ("帮邻居反映，楼道灯不亮", "邻居"),
        ("我想帮楼下邻居张大爷反映一下暖气不热的问题", "邻居张"),
        ("来电人代其父亲咨询医保报销", "父亲"),
        ("市民代邻居王女士来电反映噪音", "邻居王"),
        ("受同事委托，反映工厂不交社保", "同事"),
        ("受邻居李阿姨之托写信", "邻居李"),
        ("我妈让我问问养老认证怎么弄", "母亲"),
        ("邻居托我反映门口的井盖坏了", "邻居"),
        ("邻居请我反映门口的井盖坏了", "邻居"),
        ("我妈要我问问养老金", "母亲"),
        ("本人代年迈的父亲反映低保被停", "父亲"),
        ("我是替我老公投诉的，他在工地", "丈夫"),
        ("代我八十多岁的奶奶申请助老券", "奶奶"),
        ("帮我同学问下落户", "同学"),
        ("我帮朋友打电话问工资的事", "朋友"),
    ],
)
def test_for_whom_somebody_writes(text: str, whom: str) -> None:
    told = [word + (surname or "") for word, surname in rulebook().on_behalf.told(fold(text))]
    assert told == [whom]


@each_row(
    "text",
    [
        "请帮我妈查一下社保",
        "请你们帮我老公讨回工资",
        "希望帮我孩子解决上学问题",
        "邻居天天投诉我们",
        "我妈被车撞了，没人管",
        "代理公司骗了我妈，要投诉",
        "帮忙反映一下邻居投诉的事",
        "物业替开发商说话，业主投诉没用",
        "孩子让老师打了，我要举报",
        "我家邻居叫来电工私接电线",
        "能不能帮我父亲问问",
        "替换的水管漏水，老人反映多次",
        "公司让我妈投诉无门",
    ],
)
def test_who_only_tells_of_another_writes_for_nobody(text: str) -> None:
    assert not list(rulebook().on_behalf.told(fold(text)))


def test_a_citys_own_words_for_who_is_near_are_asked(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("names.toml").read_text("utf-8")
    (tmp_path / "names.toml").write_text(ours.replace("隔壁 对门", "隔壁 对门 弄堂口"), "utf-8")
    told = [list(rulebook(Rules.load(folder)).on_behalf.told("替弄堂口邻居问养老金")) for folder in (None, tmp_path)]
    assert told == [[], [("邻居", None)]]


@pytest.mark.parametrize("kind", ["phone", "openid"])
def test_it_is_stated_from_any_account_and_tells_nothing_without_the_key(kind: str) -> None:
    def stated(text: str, value: str = "13900000001" * 3) -> tuple[str, ...]:
        sender = Party(kind=kind, value=value[:11] if kind == "phone" else value)
        return stated_names(Draft(text=text, sender=sender), fold(text), Policy())

    (mother,) = stated("替我妈问低保")
    assert mother.startswith(ON_BEHALF)
    assert stated("我替母亲反映") == (mother,)
    assert set(stated("替我爸问低保")).isdisjoint({mother})
    assert set(stated("替我妈问低保", "13800000002" * 3)).isdisjoint({mother})
