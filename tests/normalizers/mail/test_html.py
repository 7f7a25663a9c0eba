"""HTML to the text that a reader sees."""

import base64
from collections.abc import Callable

from normalizers.base import Draft
from normalizers.mail.html import MAX_HTML, html_to_text
from tests.rows import each_row

TEXTS = {
    "<p>一</p><p>二</p>": "一\n\n二",
    "<div>一</div><div>二</div>": "一\n二",
    "一<br>二<br><br>三": "一\n二\n\n三",
    "<div>一<br></div><div><br></div><div>二</div>": "一\n\n二",
    "<ul><li>一</li><li>二</li></ul>": "- 一\n- 二",
    "<table><tr><td>姓名</td><td>王</td></tr><tr><td>电话</td><td>1</td></tr></table>": "姓名 王\n电话 1",
    "<style>p{}</style><script>x()</script><title>t</title><p>一</p>": "一",
    "<div style='display: none'>暗</div><p hidden>暗</p><p>明</p>": "明",
    "a&nbsp;b &lt;c&gt; &amp; &#x8DEF;": "a b <c> & 路",
    "<pre>a  b\n  c</pre>": "a  b\n  c",
    "<a href='https://x.cn/1'>视频</a>": "视频 <https://x.cn/1>",
    "<a href='https://x.cn/1'>https://x.cn/1</a>": "https://x.cn/1",
    "<a href='mailto:a@b.cn'>a@b.cn</a>": "a@b.cn",
    "前<blockquote type=cite>引<br>用</blockquote>后": "前\n> 引\n> 用\n后",
    "<blockquote>法律条文</blockquote>": "法律条文",
    "<p class=MsoNormal>一</p><p class=MsoNormal>二</p>": "一\n二",
    "没有标签": "没有标签",
    "": "",
    "<b>未闭合": "未闭合",
}


@each_row("source", TEXTS)
def test_text(source: str) -> None:
    assert html_to_text(source) == TEXTS[source]


def test_quotes_are_unmarked_in_a_forwarded_mail() -> None:
    assert html_to_text("前<blockquote type=cite>引</blockquote>", mark_quotes=False) == "前\n引"


def test_a_tree_too_costly_to_build_is_stripped() -> None:
    assert html_to_text("<div>" * 20_000 + "路灯&amp;坏了<br>二").split() == ["路灯&坏了", "二"]


def test_a_pasted_picture_is_a_file(draft: Callable[[bytes], Draft]) -> None:
    picture = b"\x89PNG" + b"x" * 300
    page = b"<p>see</p><img src='data:image/png;base64," + base64.b64encode(picture) + b"'>"
    made = draft(b"Content-Type: text/html\n\n" + page)
    assert made.text == "see"
    assert [(file.media_type, file.data) for file in made.files] == [("image/png", picture)]


def test_a_page_longer_than_we_read_is_kept_whole(draft: Callable[[bytes], Draft]) -> None:
    page = b"<p>" + b"x" * MAX_HTML + b"</p>"
    made = draft(b"Content-Type: text/html\n\n" + page)
    assert [(file.media_type, file.data) for file in made.files] == [("text/html", page)]
    assert made.extra["defects"] == "long_html"
