"""Where a finding is told: in the text or in the title, as the citizen wrote it, however folding changed it before."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from normalizers.base import Draft, Policy
from normalizers.enrich import annotators, emergency
from normalizers.text.fold import fold
from normalizers.text.spans import written
from schemas.records import Finding
from tests.rows import each_row

CITY = "330100"


def found(title: str | None, text: str) -> dict[tuple[str, str], Finding]:
    """Return what is found in a message, by kind and value."""
    whole = f"{title}\n{text}" if title else text
    findings = annotators.annotate(Draft(title=title, text=text), fold(whole), CITY, Policy()).findings
    told = emergency.screen(whole)
    findings += emergency.findings(told, title) if told is not None else ()
    return {(one.kind, one.value): one for one in findings}


TOLD = [
    ("request_kind", "complaint", None, "工地夜里施工，我要投诉。", "投诉", False),
    ("request_kind", "complaint", None, "  天天停水……\n\n我要　投诉自来水公司", "投诉", False),
    ("request_kind", "complaint", "噪音扰民", "工地夜间施工噪音太大，希望查处。", "扰民", True),
    ("category", "environment.noise", "噪音扰民", "工地夜间施工，影响休息。", "噪音扰民", True),
    ("category", "construction.utilities", "请看一下", "㎡房子，停水三天了", "停水", False),
    ("adcode", "330110", "余杭区的问题", "天天停水", "余杭区", True),
    ("adcode", "330106", None, "西湖區文三路２８号的路灯坏了", "西湖區", False),
    ("place_road", "文三路", "西湖区文三路２８号", "路灯坏了", "文三路", True),
    ("place", "西湖区文三路２８号", "西湖区文三路２８号", "路灯坏了", "西湖区文三路２８号", True),
    ("emergency", "fire", "快来人", "１２号楼着火了", "着火", False),
    ("emergency", "fire", "楼里着火了", "请快点", "着火", True),
    ("emergency_level", "critical", None, "１２号楼着火了，快来人", "着火", False),
    ("confidentiality", "confidential", "请求匿名 投诉", "物业不修路灯", "请求匿名", True),
    ("anonymous", "withheld_on_request", "投诉", "请求 匿名。物业不修路灯", "请求 匿名", False),
    ("minor_harm", "possible", "班主任打孩子", "请查一下", "班主任打孩子", True),
    ("not_accepted", "litigation_or_arbitration", "已经起诉", "对方不给钱", "已经起诉", True),
]


@each_row(("kind", "value", "title", "text", "evidence", "in_title"), TOLD)
def test_a_finding_says_where_it_is_told(
    kind: str, value: str, title: str | None, text: str, evidence: str, in_title: bool
) -> None:
    one = found(title, text)[kind, value]
    if in_title:
        assert title is not None
        assert one.span is None
        assert one.title_span is not UNSET
        assert title[slice(*one.title_span)] == evidence
    else:
        assert one.title_span is UNSET
        assert one.span is not None
        assert text[slice(*one.span)] == evidence


def test_what_is_only_heard_in_the_whole_has_no_place() -> None:
    told = found(None, "干了仨月活,人影都找不着了,大伙儿等着拿钱回家过年")
    (one,) = (one for (kind, _), one in told.items() if kind == "request_kind")
    assert (one.source, one.span, one.title_span) == ("model", None, UNSET)


@given(st.text(alphabet="投诉路灯坏 　\n\t…㎡ＡA１1。，︁", max_size=40), st.data())
def test_a_place_in_a_folded_text_is_where_the_same_stands_as_written(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    start = data.draw(st.integers(0, len(folded)))
    end = data.draw(st.integers(start, len(folded)))
    span = written(text, folded, start, end)
    said = "".join(folded[start:end].split())
    if span is not None:
        assert "".join(fold(text[slice(*span)]).split()) == said
    elif said:
        assert any(sign in text for sign in "…㎡")
