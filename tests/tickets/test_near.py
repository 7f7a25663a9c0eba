"""Same person, same matter, same incident: who is joined to whom, who only proposes, and who stays alone."""

import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from normalizers.rules import Rules
from schemas.errors import MisconfiguredError
from schemas.records import Edge, Event, InputRef, event
from tests.rows import each_row
from tests.tickets.build import START
from tests.tickets.said import CITY, decided, said, take, ticket_of
from tickets.dedupe.conflicts import are_parallel, name_another
from tickets.dedupe.sketch import Sketch
from tickets.policy import TicketPolicy, near_policy
from tickets.reducers import apply, fold
from tickets.state.state import Snapshot, State

MIXER = said(
    1, "丽景新城小区旁边建搅拌站，噪音扰民", "搅拌站离我们楼不到一百米，渣土车整夜进出，粉尘很大，请查一查手续。"
)
SAME = said(2, "投诉丽景新城附近的搅拌厂噪声污染", "我是这个小区的业主，机器一天到晚响，孩子没法睡觉。")
ELSEWHERE = said(
    3, "金桂花园小区旁边建搅拌站，噪音扰民", "搅拌站离我们楼不到一百米，渣土车整夜进出，粉尘很大，请查一查手续。"
)
OTHER_MATTER = said(4, "丽景新城小区幼儿园什么时候开学", "物业说开发商还没有把房子移交，请教育局给个说法。")


def test_another_person_with_the_same_matter_gets_a_ticket_of_their_own_and_one_edge() -> None:
    desk, (first, second) = decided([MIXER, SAME])
    assert second.relation == "same_matter_other_person"
    ours, theirs = ticket_of(desk, first), ticket_of(desk, second)
    assert ours.ticket_id != theirs.ticket_id
    assert theirs.cluster_id == ours.cluster_id == ours.ticket_id
    assert theirs.edges == (Edge(ticket_id=ours.ticket_id, kind="cluster", score=second.score),)
    assert (ours.message_count, theirs.message_count) == (1, 1)


def test_the_same_words_about_another_estate_are_another_matter() -> None:
    desk, (first, second) = decided([MIXER, ELSEWHERE])
    assert second.relation == "new"
    assert ticket_of(desk, second).cluster_id != ticket_of(desk, first).cluster_id


@pytest.mark.parametrize(("door", "joined"), [("和平路11号", True), ("和平路1780号", False), ("和平路", True)])
def test_two_houses_on_one_road_are_only_proposed_to_be_one_matter(door: str, joined: bool) -> None:
    words = "门口的污水井盖没有了，晚上骑车差点掉进去，请尽快派人来处理。"
    first = said(1, "和平路11号门口污水井盖缺失", f"和平路11号{words}")
    second = said(2, f"{door}门口污水井盖缺失", f"{door}{words}")
    desk, (one, other) = decided([first, second])
    ours, theirs = ticket_of(desk, one), ticket_of(desk, other)
    assert (theirs.cluster_id == ours.ticket_id) == joined
    assert [proposal.target for proposal in theirs.proposals] == ([] if joined else [ours.ticket_id])


@each_row(("other", "joined"), [("沈阳市和平区", True), ("沈阳市沈河区", False), ("沈阳市", True), ("", True)])
def test_the_same_matter_in_another_district_is_only_proposed(other: str, joined: bool) -> None:
    where = "渣土车整夜进出，粉尘很大，请查一查手续。我们在{}，请尽快派人来看看"
    first, second = (
        said(n, "丽景新城小区旁边建搅拌站，噪音扰民", where.format(place))
        for n, place in ((1, "沈阳市和平区"), (2, other))
    )
    desk, decisions = decided([first, second])
    codes = [code for code in second.features.codes if code.startswith("place.")]
    assert (decisions[1].relation == "same_matter_other_person") is joined, codes
    proposed = [one for one in decisions[1].changes if isinstance(one, event.Proposed)]
    assert [one.target for one in proposed] == ([] if joined else [ticket_of(desk, decisions[0]).ticket_id])
    assert all(one.score >= near_policy().link for one in proposed)  # nothing but the district keeps them apart


def test_the_same_person_in_another_district_tells_of_another_incident() -> None:
    letters = [
        said(
            number,
            "丽景新城小区旁边建搅拌站，噪音扰民",
            f"我们住的地方是沈阳市{place}，请尽快派人来看看",
            sender="13800138000",
        )
        for number, place in ((1, "和平区"), (2, "沈河区"))
    ]
    _desk, decisions = decided(letters)
    assert decisions[1].relation != "same_person_same_matter"
    assert decisions[1].tickets[0].ticket_id != decisions[0].tickets[0].ticket_id


def test_another_matter_at_the_same_place_is_not_joined() -> None:
    desk, (first, second) = decided([MIXER, OTHER_MATTER])
    assert ticket_of(desk, second).cluster_id != ticket_of(desk, first).cluster_id


def test_the_same_person_is_filed_in_the_ticket_that_knows_the_matter_and_no_word_is_lost() -> None:
    again = said(5, MIXER.title or "", MIXER.text + "今天又开工了。", sender="13900000001")
    desk, (first, second) = decided([MIXER, again])
    assert (second.relation, ticket_of(desk, second).ticket_id) == (
        "same_person_same_matter",
        ticket_of(desk, first).ticket_id,
    )
    assert ticket_of(desk, first).text.endswith("今天又开工了。")


def test_every_later_one_joins_the_oldest_of_the_cluster() -> None:
    more = [said(n, f"丽景新城搅拌站噪音扰民，第{n}次反映", f"粉尘太大了，{n}栋都受影响") for n in range(10, 40)]
    desk, decisions = decided([MIXER, SAME, *more])
    oldest = ticket_of(desk, decisions[0]).ticket_id
    assert {desk.ticket(one.tickets[0].ticket_id).cluster_id for one in decisions} == {oldest}
    assert all(edge.ticket_id == oldest for one in decisions for edge in ticket_of(desk, one).edges)


def test_a_quoted_number_only_proposes_that_it_is_the_same_person() -> None:
    again = said(2, SAME.title or "", SAME.text + "我的电话13900000001。")
    desk, (first, second) = decided([MIXER, again])
    ours, theirs = ticket_of(desk, first), ticket_of(desk, second)
    assert theirs.cluster_id == ours.ticket_id != theirs.ticket_id
    assert [(one.relation, one.target) for one in theirs.proposals] == [("same_person_same_matter", ours.ticket_id)]


@pytest.mark.parametrize("kinds", [("举报", ""), ("", "举报")], ids=["the first", "the second"])
def test_what_is_reported_is_only_proposed_to_others(kinds: tuple[str, str]) -> None:
    first = said(1, MIXER.title or "", MIXER.text, **({"kind": kinds[0]} if kinds[0] else {}))
    second = said(2, SAME.title or "", SAME.text, **({"kind": kinds[1]} if kinds[1] else {}))
    desk, decisions = decided([first, second])
    ticket = ticket_of(desk, decisions[1])
    assert ticket.cluster_id == ticket.ticket_id
    assert [(one.relation, one.target) for one in ticket.proposals] == [
        ("same_matter_other_person", ticket_of(desk, decisions[0]).ticket_id)
    ]


def test_between_the_thresholds_a_clerk_decides() -> None:
    careful = TicketPolicy(near=replace(near_policy(), link=0.999, same_person=0.999))
    desk, decisions = decided([MIXER, SAME], careful)
    assert decisions[1].relation == "new"
    assert [one.target for one in ticket_of(desk, decisions[1]).proposals] == [ticket_of(desk, decisions[0]).ticket_id]


def test_what_a_person_parted_is_not_joined_again() -> None:
    desk, (first,) = decided([MIXER])
    apply(desk.state, parted(SAME.message_id, ticket_of(desk, first).ticket_id))
    (second,) = take(desk, [SAME])
    assert second.relation == "new"
    assert ticket_of(desk, second).proposals == ()


def parted(message_id: str, ticket_id: str) -> Event:
    return Event(
        event_id="command:1",
        jurisdiction=CITY,
        at=START,
        input=InputRef(command_id="1", topic="t", partition=0, offset=0),
        relation="command",
        policy_version="1",
        changes=(event.NeverLink(message_id=message_id, ticket_id=ticket_id),),
    )


@pytest.mark.parametrize("text", ["路灯坏了", "小区停水停电了怎么办", "你好"])
def test_a_few_common_words_without_a_place_are_no_incident(text: str) -> None:
    _, decisions = decided([said(1, "", text), said(2, "", text)])
    assert [one.relation for one in decisions] == ["new", "new"]


def test_the_same_letter_without_a_place_is_one_matter() -> None:
    letter = (
        "我们是一群退休职工，单位多年没有按规定发放补贴，多次反映没有结果，请领导过问一下，给我们一个明确的答复和时间。"
    )
    _, decisions = decided([said(1, "", letter), said(2, "", letter)])
    assert decisions[1].relation == "same_matter_other_person"


def test_cities_never_meet() -> None:
    abroad = said(2, SAME.title or "", SAME.text, jurisdiction="110000")
    _, decisions = decided([MIXER, abroad])
    assert decisions[1].relation == "new"


def test_what_a_word_is_worth_in_a_city_is_not_asked_of_its_neighbours() -> None:
    alone, _ = decided([MIXER])
    abroad = [said(n, SAME.title or "", f"{SAME.text}{n}", jurisdiction="110000") for n in range(10, 30)]
    beside, _ = decided([MIXER, *abroad])
    (found,) = alone.state.dedupe.find(CITY, SAME.features)
    assert beside.state.dedupe.find(CITY, SAME.features) == [found]
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(beside.state.dump()), type=Snapshot)
    assert State(TicketPolicy(), stored).dedupe.find(CITY, SAME.features) == [found]


def test_the_log_and_a_checkpoint_decide_as_the_memory_does() -> None:
    before = [MIXER, ELSEWHERE, OTHER_MATTER, *(said(n, f"海棠公寓{n}号楼停水三天了") for n in range(20, 45))]
    desk, decisions = decided(before)
    desk.flush()
    wire = msgspec.msgpack.decode(msgspec.msgpack.encode(desk.state.dump()), type=Snapshot)
    restored, folded = State(TicketPolicy(), wire), fold(decisions, TicketPolicy())
    found = desk.state.dedupe.find(CITY, SAME.features)
    assert found[0].score > TicketPolicy().near.link
    assert restored.dedupe.find(CITY, SAME.features) == folded.dedupe.find(CITY, SAME.features) == found


def test_a_ticket_that_left_is_found_no_more() -> None:
    desk, (first,) = decided([MIXER])
    ticket = desk.state.tickets[first.tickets[0].ticket_id]
    desk.state.dedupe.remove(ticket.order)
    assert desk.state.dedupe.find(CITY, SAME.features) == []


def test_a_decision_holds_no_word_of_the_message() -> None:
    _, decisions = decided([MIXER, SAME])
    log = "".join(msgspec.json.encode(one).decode() for one in decisions)
    assert not any("\u4e00" <= character <= "\u9fff" for character in log)


def test_a_policy_that_does_not_fit_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def] # pytest's fixture
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "near.toml").write_text("link = 'high'\n", encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=r"near\.toml"):
        near_policy(Rules.load(tmp_path))


def with_line(folder: Path, key: str, line: str) -> Path:
    """Write our policy with another line in the place of a key's."""
    ours = (Path(str(resources.files("tickets.policies"))) / "near" / "near.toml").read_text(encoding="utf-8")
    written, times = re.subn(f"(?m)^{key} = .*", lambda _: line, ours)
    assert times == 1
    (folder / "near").mkdir()
    (folder / "near" / "near.toml").write_text(written, encoding="utf-8")
    return folder


@pytest.mark.parametrize("share", ["0.0", "1.0", "2.0"])
def test_a_share_that_no_copy_can_exceed_is_refused(tmp_path: Path, share: str) -> None:
    """At 1 every comparison would divide by nothing, above it every copy would be one the more it differs."""
    with pytest.raises(MisconfiguredError, match="copy_share"):
        near_policy(Rules.load(with_line(tmp_path, "copy_share", f"copy_share = {share}")))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("link", "1.5", "link"),
        ("propose", "-0.1", "propose"),
        ("max_candidates", "0", "max_candidates"),
        ("at_once_minutes", "-1", "at_once_minutes"),
        ("comes_back_days", "14000", "comes_back_days"),
        ("short_grams", '"40"', "short_grams"),
        ("one_day_hours", "169", "one_day_hours"),
        ("max_members", "0", "max_members"),
        ("parallel_stretch", "-1", "parallel_stretch"),
        ("names_share", "0.65\nnames_shares = 1.0", "names_shares"),
    ],
)
def test_a_number_out_of_range_and_a_weight_of_nothing_are_refused(
    tmp_path: Path, key: str, value: str, says: str
) -> None:
    with pytest.raises(MisconfiguredError, match=says):
        near_policy(Rules.load(with_line(tmp_path, key, f"{key} = {value}")))


CROPS = ("村里有人在基本农田里违法种了大豆，请核实处理", "村里有人在基本农田里违法种了苹果树，请核实处理")
TRADES = ("海棠村的村医看病乱收费，希望有人管管", "海棠村的电工师傅看病乱收费，希望有人管管")


@each_row(
    ("judge", "texts", "looser"),
    [
        (are_parallel, CROPS, {"parallel_inserted": 4}),
        (are_parallel, CROPS, {"parallel_lengths": 0}),
        (name_another, TRADES, {"parallel_inserted": 4}),
        (name_another, TRADES, {"parallel_lengths": 1}),
        (name_another, TRADES, {"parallel_stretch": 5}),
    ],
)
def test_a_city_says_what_one_stretch_of_a_text_is(
    judge: Callable[..., bool], texts: tuple[str, str], looser: dict[str, int]
) -> None:
    one, other = (Sketch.of(said(number, "", text).features) for number, text in enumerate(texts))
    assert judge(one, other, near_policy())
    assert not judge(one, other, replace(near_policy(), **looser))


def test_a_weight_that_is_missing_is_named(tmp_path: Path) -> None:
    """Without it no ticket could be compared with another, and `assign` would stop."""
    with pytest.raises(MisconfiguredError, match=r"correct objects in \[weights\]"):
        near_policy(Rules.load(with_line(tmp_path, "objects", "")))


def test_a_policy_that_is_older_than_a_sign_does_not_weigh_it(tmp_path: Path) -> None:
    assert "agreed" not in near_policy(Rules.load(with_line(tmp_path, "agreed", ""))).weights


def test_who_tells_of_one_place_in_words_of_their_own_is_proposed_by_it() -> None:
    desk, (one, other) = decided(
        [
            said(1, "", "西关村口那个大坑半个月了没人填，昨天一个骑电动车的摔进去了"),
            said(2, "", "西关村村口道路塌陷形成大坑，昨晚已有人骑车摔伤，请求尽快修复"),
        ]
    )
    assert [found.target for found in ticket_of(desk, other).proposals] == [ticket_of(desk, one).ticket_id]


def test_a_place_of_a_name_of_its_own_joins_those_who_tell_of_it_in_words_of_their_own() -> None:
    desk, (one, other) = decided(
        [
            said(1, "", "城北污水处理厂一到晚上就放臭气，附近几个小区都闻到了，恶心头晕"),
            said(2, "", "最近夜里空气中有一股刺鼻的臭味，怀疑是城北污水厂偷排，家里老人咳嗽不止"),
        ]
    )
    assert ticket_of(desk, other).cluster_id == ticket_of(desk, one).ticket_id
