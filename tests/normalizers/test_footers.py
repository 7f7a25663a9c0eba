"""What stands below a letter and tells nothing of its matter, and what only looks like it."""

from importlib import resources
from pathlib import Path

from normalizers.rules import Rules
from normalizers.similarity.boilerplate import without_footer, without_office
from tests.rows import each_row

LETTER = "市长您好：\n柳荫公寓3号楼的电梯坏了，请修。"
NOTICE = "此邮件及其附件含有我局的保密信息，仅限于发送给上面地址中列出的个人。如您错收了，请删除！"
OFFICES = {
    "a notice": NOTICE,
    "a notice on several lines": "免责声明：\n本邮件仅供收件人使用，\n他人不得转发。",
    "English": "This e-mail and any attachments are confidential and intended solely for the addressee.",
    "labels": "北江市柳荫区人民政府办公室\n联系人：王建国\n办公电话：024-31234567\n手机：13911112222\n"
    "邮箱：wjg@liuyin.example\n地址：柳荫区人民路18号\n邮编：110000",
    "a line": "————————————\n王建国 科长\n柳荫区信访局接访科\n"
    "Tel：024-31234567 / 13911112222\nE-mail：wjg@liuyin.example",
    "a client's": "邮件签名：\n王建国\n柳荫区信访局\n13911112222",
    "both": f"柳荫区信访局\n办公电话：024-31234567\n\n{NOTICE}",
    "paper": "柳荫区信访局\n传真：024-31234568\n\n打印此邮件前，请考虑环境保护",
}
OWN = {
    "a name and a number": "联系人：王建国\n电话：13911112222",
    "a number": "13911112222",
    "a row": "王建国 13911112222",
    "a client's": "王建国\n邮箱：wang@mail.example\n签名由 网易邮箱大师 定制",
}
MATTERS = {
    "where it is": "地址：柳荫公寓3号楼\n电话：13911112222\n地址是松柏里西门",
    "a sentence behind": "办公电话：024-31234567\n打过多次没人接，请督促。",
    "short": "路灯不亮\n电话：13911112222",
    "a number of the firm": "物业电话：024-31234567，一直打不通",
    "whom it is about": "举报宏发服装有限公司\n不交社保",
    "an item": "一、电梯\n二、消防",
    "a mail that it is about": "本邮件反映的问题请尽快处理",
    "a fire": "三楼着火了\n快来人",
}


@each_row("name", OFFICES)
def test_an_office_s_footer_is_no_matter_and_reaches_nobody_who_asks(name: str) -> None:
    text = f"{LETTER}\n\n{OFFICES[name]}\n"
    assert without_footer(text) == LETTER
    assert without_office(text) == LETTER


@each_row("name", OWN)
def test_one_s_own_is_no_matter_and_tells_who_asks(name: str) -> None:
    text = f"{LETTER}\n\n{OWN[name]}"
    assert without_footer(text) == LETTER
    assert without_office(text) == text


def test_without_a_blank_line_what_surely_is_one_goes() -> None:
    assert without_footer(f"{LETTER}\n柳荫区信访局\n办公电话：024-31234567") == LETTER


@each_row("name", MATTERS)
def test_the_matter_stays(name: str) -> None:
    for gap in ("\n", "\n\n"):
        text = f"{LETTER}{gap}{MATTERS[name]}"
        kept = without_footer(text)
        assert all(line in kept for line in MATTERS[name].split("\n") if "1391111" not in line), kept


@each_row("name", OFFICES)
def test_what_stands_first_is_no_footer(name: str) -> None:
    assert without_footer(OFFICES[name]).split("\n")[0] == OFFICES[name].split("\n")[0]
    assert without_footer(f"救命\n\n{OFFICES[name]}").startswith("救命")


def test_a_city_s_own_words_and_surnames_are_asked(tmp_path: Path) -> None:
    own = f"{LETTER}\n\n妫大路 主任\n热线直拨：024-31234567"
    notice = f"{LETTER}\n\n内部邮件，严禁外传。"
    assert without_office(own) == own
    assert without_footer(notice) == notice
    for name, before, after in (
        ("footers", "办公室电话", "办公室电话 热线直拨"),
        ("footers", 'headings = "', 'headings = "内部邮件 '),
        ("names", "王李张刘陈杨黄赵吴周徐孙马朱胡", "妫王李张刘陈杨黄赵吴周徐孙马朱胡"),
    ):
        file = tmp_path / f"{name}.toml"
        written = file if file.is_file() else resources.files("normalizers.rules").joinpath(file.name)
        file.write_text(written.read_text("utf-8").replace(before, after), "utf-8")
    assert without_office(own, Rules.load(tmp_path)) == LETTER
    assert without_footer(notice, Rules.load(tmp_path)) == LETTER
