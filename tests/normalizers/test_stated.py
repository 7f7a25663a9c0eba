"""By which name somebody asks is told apart under one telephone, and tells nothing without the key."""

import pytest

from normalizers.base import Draft, Policy
from normalizers.similarity.stated_identity import TELEPHONE, stated_names
from normalizers.text.fold import fold
from schemas.records import Party
from tests.rows import each_row

POLICY = Policy()
ROTATED = Policy(requester_keys={"k2": b"new", **POLICY.requester_keys})
PHONE = Party(kind="phone", value="13900000001")


def stated(text: str, sender: Party | None = PHONE, policy: Policy = POLICY) -> set[str]:
    return set(stated_names(Draft(text=text, sender=sender), fold(text), policy))


@each_row(
    ("text", "told"),
    [
        ("我叫王建国，家住三楼", {"王", "王建国"}),
        ("来电人：王建国，反映路灯不亮", {"王", "王建国"}),
        ("路灯不亮。姓名：王建国 电话13900000001", {"王", "王建国"}),
        ("市民王先生来电反映路灯不亮", {"王", "先生"}),
        ("王先生反映路灯不亮", {"王", "先生"}),
        ("来电人王某反映路灯不亮", {"王"}),
        ("你好，免贵姓王，反映路灯不亮", {"王"}),
        ("本人欧阳修文，男，反映路灯不亮", {"欧阳", "欧阳修文"}),
    ],
)
def test_who_asks_says_a_surname_a_name_or_a_sex(text: str, told: set[str]) -> None:
    known = {
        "王": "免贵姓王",
        "王建国": "我叫王建国。",
        "先生": "市民李先生反映",
        "欧阳": "我姓欧阳",
        "欧阳修文": "我叫欧阳修文。",
    }
    assert all(stated(text) & stated(known[one]) for one in told)
    assert len(stated(text)) == len(told)


@each_row(
    "text",
    [
        "我是高中生，每天上学",
        "我是江西人，在这里打工",
        "我是王家庄的",
        "我是王建国的邻居",
        "我是王女士的丈夫",
        "我是王丽女儿",
        "孩子姓名王*奥，等着用药",
        "业主王丽殴打保安",
        "隔壁住户张先生天天吵",
        "业主方向法院起诉",
        "居民高度重视",
        "我高兴，路灯修好了",
        "本人于今年三月入职",
        "",
    ],
)
def test_others_and_words_that_begin_like_a_name_are_nobody_who_asks(text: str) -> None:
    assert not stated(text)


def test_a_field_of_the_channel_states_it_too() -> None:
    def named(name: str) -> set[str]:
        return stated("路灯不亮", Party(kind="phone", value=PHONE.value, name=name))

    assert named("王建国") == stated("我叫王建国。")
    assert named("王先生") == stated("市民王先生反映路灯不亮")
    assert not named("物业公司")
    assert not named("A00074795")


def test_who_calls_by_the_telephone_of_another_is_who_they_say() -> None:
    owner = Party(kind="phone", value=PHONE.value, name="王建国")
    assert stated("我叫李梅。", owner) == stated("我叫李梅。")


@pytest.mark.parametrize("kind", ["openid", "uid"])
def test_an_account_from_which_several_are_helped_to_write_states_what_its_text_says(kind: str) -> None:
    account = Party(kind=kind, value="oAbC_12345", name="李梅")
    assert len(stated("我叫王建国。", account)) == len(stated("我叫王建国。"))
    assert stated("我叫王建国。", account).isdisjoint(stated("我叫李梅。", account))


def test_a_nickname_is_no_name_and_nobody_states_none() -> None:
    def shown(kind: str, channel_kind: str | None = None) -> tuple[str, ...]:
        sender = Party(kind=kind, value="oAbC_12345", name="王建国")
        return stated_names(Draft(text="路灯不亮", sender=sender, channel_kind=channel_kind), "路灯不亮", POLICY)

    assert not shown("openid", "wechat_mp")
    assert not shown("uid", "weibo_mention")
    assert shown("uid", "app")
    assert not stated("我叫王建国。", None)


def test_the_same_name_from_another_telephone_has_other_hashes() -> None:
    """Else the log would tell which surname is the commonest, and so which it is."""
    assert stated("我叫王建国。").isdisjoint(stated("我叫王建国。", Party(kind="phone", value="13900000002")))


def test_no_name_can_be_guessed_without_the_key_and_older_keys_still_meet() -> None:
    assert "王" not in "".join(stated("我叫王建国。"))
    assert stated("我叫王建国。") < stated("我叫王建国。", policy=ROTATED)
    assert stated("我叫王建国。").isdisjoint(stated("我叫王建国。", policy=Policy(requester_keys={"k2": b"new"})))


@each_row(
    "text",
    [
        "路灯不亮，联系电话：13911112222",
        "路灯不亮，我的电话是139-1111-2222，谢谢",
        "诉求人联系方式13911112222",
        "居民赵六（13911112222）：路灯不亮",
        "路灯不亮。电话 13911112222",
        "路灯不亮\n赵六 13911112222",
        "路灯不亮，请联系我+86 13911112222，物业电话是13900009999",
    ],
)
def test_who_asks_says_their_own_telephone(text: str) -> None:
    (told,) = (one for one in stated(text) if one.startswith(TELEPHONE))
    assert told in stated("联系电话：13911112222")
    assert told not in stated("联系电话：13911112222", Party(kind="phone", value="13900000002"))
    assert told in stated(text, policy=ROTATED)


@each_row(
    "text",
    ["物业电话13911112222没人接", "拨打老板电话：13911112222，他不认", "司机的联系电话13911112222", "2026年联系电话会"],
)
def test_the_telephone_of_somebody_else_is_nobody_s_who_asks(text: str) -> None:
    assert not stated(text)
