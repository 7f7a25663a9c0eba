"""What a citizen wrote, what the mail repeats, and the signature: client by client."""

from functools import partial
from importlib import resources
from pathlib import Path

from normalizers.mail import quotes
from normalizers.rules import Rules
from normalizers.text.quote_patterns import rulebook
from tests.rows import each_row

split, is_signature = (partial(one, marks=rulebook()) for one in (quotes.split, quotes.is_signature))

REPLIES = {
    "gmail": ("没修好。\n\n热线 <a@b.cn> 于2026年3月1日周日 10:20写道：\n\n> 您好\n> 已转办", "没修好。"),
    "apple": ("没修好。\n\n> 在 2026年3月1日，上午10:20，热线 <a@b.cn> 写道：\n> \n> 您好", "没修好。"),
    "netease": ('没修好。\n\nAt 2026-03-01 10:20:30, "热线" <a@b.cn> wrote:\n>您好\n>已转办', "没修好。"),
    "netease, new": ("没修好\n---- 回复的原邮件 ----\n| 发件人 | 热线<a@b.cn> |\n| 主题 | 路灯 |\n您好", "没修好"),
    "foxmail": ("没修好\n \n发件人： 热线\n发送时间： 2026-03-01 10:20\n收件人： a\n主题： 路灯\n您好", "没修好"),
    "foxmail, signed": (
        "没修好\n\n\na@b.cn\n \n发件人： 热线\n发送时间： 2026-03-01 10:20\n收件人： a\n主题： 路灯\n您好",
        "没修好",
    ),
    "qq": ("没修好\n------------------ 原始邮件 ------------------\n发件人: a\n您好", "没修好"),
    "outlook, Chinese": (
        "没修好。\n\n________________________________\n发件人: 热线 <a@b.cn>\n发送时间: 2026年3月1日 10:20\n"
        "收件人: a <a@b.cn>\n主题: 路灯\n\n您好。",
        "没修好。",
    ),
    "outlook, traditional": ("還沒修好\n\n寄件者: a\n寄件日期: 2026年3月1日\n收件者: b\n主旨: c\n\n您好", "還沒修好"),
    "outlook, English": (
        "Still dark\n\nFrom: a@b.cn\nSent: March-19-26 5:42 PM\nTo: me\nSubject: x\n\nHello",
        "Still dark",
    ),
    "original message": ("Still dark\n\n-----Original Message-----\n\nHello", "Still dark"),
    "original message, German": ("Noch dunkel\n\n-----Ursprüngliche Nachricht-----\n\nHallo", "Noch dunkel"),
    "wrapped attribution": (
        "Still dark\n\nOn Fri, May 6, 2026 at 6:03 PM, The Hotline of the City\n<a@b.cn> wrote:\n\n> Hi",
        "Still dark",
    ),
    "French": ("Merci\n\nLe 6 mai 2026 à 18:03, A <a@b.fr> a écrit :\n\n> Bonjour", "Merci"),
    "German": ("Danke\n\nAm 06.05.2026 um 18:03 schrieb A <a@b.de>:\n\n> Hallo", "Danke"),
    "Russian": ("Спасибо\n06.05.2026 14:20 пользователь <a@b.ru> написал:\n\n> Привет", "Спасибо"),
    "date and address": ("ok\n2026/4/7 Nathan <support@example.com>\n\n>  Cool beans", "ok"),
    "inside dashes": ("dark\n\n------On 12/29/2025 17:32 PM, Julius wrote-----\n\nBrunch", "dark"),
    "android": ("dark\n\n---- John Smith wrote ----\n\n> quoted\n> text", "dark"),
    "name only, with quoted lines": ("好的\n\n张三 写道：\n> 您好\n> 请补充", "好的"),
    "below the quotation": ("On 04/19/2026 07:10 AM, A wrote:\n\n>\n> Test\nanswer", "answer"),
    "around the quotation": (
        "answer\n\nOn 04/19/2026 07:10 AM, A wrote:\n\n>\n> Test\n\nRegards, B",
        "answer\n\nRegards, B",
    ),
    "in between": ("> 地点？\n幸福路23号\n> 时间？\n昨晚", "幸福路23号\n昨晚"),
}


@each_row("client", REPLIES)
def test_reply(client: str) -> None:
    body, text = REPLIES[client]
    parts = split(body)
    assert parts.text == text
    assert parts.quoted


OWN = {
    "an address": "没修好，请回复\na@b.cn\n\n时间：昨晚八点",
    "a sentence": "物业在2024年5月的通知中写道：\n“6月修好”\n邻居在群里写道：\n没人管！",
    "On": "On the corner it is dark.\nOn Monday nobody came.",
    "feedback": "Please enter below.\n\n----- Enter Feedback Below -----\n\nThe lamp is broken.",
    "a form": "时间：昨晚八点\n地点：幸福路\n主题：路灯",
    "one line with >": "噪音很大\n> 70分贝\n请处理",
    "a forward": "请处理\n\n---------- Forwarded message ---------\n发件人： 李四 <l@b.cn>\nDate: 2026\n\n水管爆了",
    "an empty answer": "在 2026-03-01 10:20:30，热线 <a@b.cn> 写道：\n> 您好",
    "dashes in a sentence": "路灯 -- 又坏了\n谢谢",
}


@each_row("name", OWN)
def test_own_words_stay(name: str) -> None:
    assert split(OWN[name]) == (OWN[name], None, None)


SIGNATURES = {
    "-- \n王小明\n市民": "-- \n王小明\n市民",
    "－－\n王小明": "－－\n王小明",
    "--\n王小明\n沈阳市解放路88号\n024-23456789\nwang@mail.example.cn": "--\n王小明\n沈阳市解放路88号\n024-23456789\n"
    "wang@mail.example.cn",
    "发自我的iPhone": "发自我的iPhone",
    "来自 QQ邮箱手机版": "来自 QQ邮箱手机版",
    "发自我的华为手机": "发自我的华为手机",
    "Sent from my iPhone": "Sent from my iPhone",
    "Sent from my Huawei phone": "Sent from my Huawei phone",
    "发自网易邮箱大师": "发自网易邮箱大师",
    "Get Outlook for iOS": "Get Outlook for iOS",
}


@each_row("signature", SIGNATURES)
def test_signature(signature: str) -> None:
    parts = split(f"路灯坏了\n\n{signature}")
    assert parts.text == "路灯坏了"
    assert parts.signature is not None
    assert parts.signature.split() == signature.split()


MATTERS = {
    "fire": "市长您好，情况如下\n--\n解放路88号三楼着火了，有人被困，快来人！\n请速来",
    "long dashes": "张市长：\n——\n我家门口的路灯坏了三个月没人修\n谢谢",
    "wide dashes": "情况如下\n－－\n路灯坏了三个月没人修，请过问",
    "exclamations": "市长好\n--\n救命!",
    "a short sentence": "市长好\n--\n三楼着火了，有人被困",
    "a comma of another keyboard": "市长好\n--\n三楼着火了,有人被困",
    "no punctuation": "市长好\n--\n我家住在解放路88号三楼楼下的路灯坏了三个月一直没有人来修理",
    "many lines": "市长好\n--\n" + "\n".join(f"{number}号楼停水" for number in range(7)),
    "English": "Dear mayor\n--\nThe street lamp at 88 Jiefang Road has been dark for three months now",
}


@each_row("name", MATTERS)
def test_the_matter_below_a_drawn_line_stays(name: str) -> None:
    assert split(MATTERS[name]) == (MATTERS[name], None, None)
    assert not is_signature(MATTERS[name].partition("\n")[2])


def test_only_the_phone_signs_below_the_matter() -> None:
    parts = split("市长好\n--\n路灯坏了，请修。\n发自我的iPhone")
    assert parts == ("市长好\n--\n路灯坏了，请修。", None, "发自我的iPhone")


def test_a_signature_above_the_quotation() -> None:
    parts = split("还没修\n\n发自我的iPhone\n\n在 2026年3月1日，10:20，热线 <a@b.cn> 写道：\n\n> 您好")
    assert (parts.text, parts.signature) == ("还没修", "发自我的iPhone")


def test_a_forwarded_mail_below_a_signature_is_no_signature() -> None:
    parts = split("请看\n-- \n王\n---------- Forwarded message ---------\n水管爆了", forwarded=True)
    assert "水管爆了" in parts.text


def test_the_delimiter_of_a_mail_client_proves_no_more() -> None:
    assert split("市长好\n-- \n三楼着火了，有人被困").signature is None


def test_a_citys_own_office_software_is_known(tmp_path: Path) -> None:
    ours = resources.files("normalizers.rules").joinpath("quotes.toml").read_text("utf-8")
    own = ours.replace('"原始邮件", ', '"原始邮件", "来文正文", ').replace(
        '"发自我的…", ', '"发自我的…", "政务通移动端…发送", '
    )
    own = own.replace('"发件人", "寄件人", ', '"发件人", "来文单位", "寄件人", ')
    (tmp_path / "quotes.toml").write_text(own, "utf-8")
    bodies = (
        "还没修\n-----来文正文-----\n您好",
        "还没修\n\n来文单位：热线\n日期：2026年3月1日 10:20\n主题：路灯\n您好",
        "还没修\n\n政务通移动端 安卓版 发送",
    )
    for body in bodies:
        assert split(body).text == body
        assert quotes.split(body, rulebook(Rules.load(tmp_path))).text == "还没修"
