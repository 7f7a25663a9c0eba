"""What was redacted goes in whatever form it stands elsewhere in the ticket, and what is like it stays."""

from msgspec.structs import replace

from normalizers.pii.variants import in_other_forms
from schemas.codec import encode
from schemas.records import Attachment, Party, Ticket
from tests.rows import each_row
from tests.tickets.build import message
from tests.tickets.commands.orders import Office

DOOR = "3栋2单元501室"
MAIL = "zhang.wei@163.com"


def redacted(secret: str, elsewhere: str) -> Ticket:
    """A clerk marks one form; title, text and the name of a file have another."""
    text = f"我是{secret}，请联系。另外写作{elsewhere}，谢谢"
    file = Attachment(id="1", name=f"见{elsewhere}。jpg", sha256="a" * 64)
    made = Office([replace(message(0, text), title=f"请记{elsewhere}。", attachments=(file,))])
    (ticket,) = made.tickets
    at = text.index(secret)
    made.order("redact", ticket, spans=[[at, at + len(secret)]], if_version=1)
    return made.ticket(ticket)


@each_row(
    ("secret", "elsewhere"),
    [
        ("张三丰", "张 三 丰"),
        ("张三丰", "张·三丰"),
        ("张三丰", "张\u3000三\u3000丰"),
        ("张三", "张.三"),
        ("张三", "張三"),
        ("张 三", "张三"),
        ("阿木·沙马", "阿木沙马"),
        (DOOR, "3-2-501"),
        ("3-2-501", DOOR),
        (DOOR, "三栋二单元五零一"),
        (DOOR, "3幢二单元五〇一室"),
        (DOOR, "3号楼501"),
        (DOOR, "501室"),
        ("十二号楼1单元503", "12-1-503"),
        ("3号楼2单元东户", "三号楼二单元东户"),
        (MAIL, "zhang.wei(at)163.com"),
        (MAIL, "zhang.wei[at]163.com"),
        (MAIL, "zhang.wei#163.com"),
        (MAIL, "zhang.wei at 163 dot com"),
        (MAIL, "Zhang.Wei＠163.com"),
        (MAIL, "zhang.wei艾特163点com"),
        ("zhang.wei(at)163.com", MAIL),
        ("13812345678", "一三八 一二三四 五六七八"),
        ("幺三八幺二三四五六七八", "13812345678"),
        ("辽A58K62", "辽 A 5 8 K 6 2"),
    ],
)
def test_it_goes_in_every_form(secret: str, elsewhere: str) -> None:
    after = redacted(secret, elsewhere)
    assert not any(form in encode(after).decode() for form in (secret, elsewhere))
    assert after.text.startswith("我是■")
    assert after.text.endswith("，谢谢")


@each_row(
    ("secret", "elsewhere"),
    [
        ("张三", "张小三"),
        ("张三", "张。三"),
        (DOOR, "4栋2单元501室"),
        (DOOR, "3栋2单元502室"),
        (DOOR, "3-1-501"),
        ("3号楼2单元东户", "3号楼2单元西户"),
        (MAIL, "zhang.li@163.com"),
        ("13812345678", "13812345679"),
        ("501", "5.01元"),
    ],
)
def test_what_is_like_it_stays(secret: str, elsewhere: str) -> None:
    assert elsewhere in redacted(secret, elsewhere).text


def test_the_name_of_a_requester_who_goes_leaves_the_text_also_where_it_is_written_apart() -> None:
    said = replace(
        message(1, "路灯坏了，转告霁 霄·溪一声"), sender=Party(kind="openid", value="oAbC_12345", name="霁霄溪")
    )
    made = Office([said])
    made.order("redact", made.tickets[0], fields=["requester"])
    assert made.ticket(made.tickets[0]).text == "路灯坏了，转告■■■■■一声"


def test_spans_are_those_of_the_text_as_it_was_written() -> None:
    text = "\u200b张\u200b 三和３－２－５０１"
    assert [text[start:end] for start, end in in_other_forms(text, ["张三", DOOR])] == ["张\u200b 三", "３－２－５０１"]
