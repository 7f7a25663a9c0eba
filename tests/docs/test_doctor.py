"""The page of the doctor quotes what the doctor says, and the page on security names what is there."""

import re

from tests.docs.pages import ROOT
from tests.peers import acls, elastic_roles
from tests.rows import each_row

PAGE = ROOT / "docs" / "reference" / "doctor.md"
SECURE = ROOT / "docs" / "how-to" / "secure.md"

_ROOMS = (
    "hotline/doctor",
    "hotline/config/command_signers.py",
    "hotline/admin/placement.py",
    "hotline/admin/topics.py",
    "hotline/cli",
    "broker/tls.py",
    "sinks/elastic",
    "sinks/webhook/ssrf.py",
    "connectors/mailbox",
    "connectors/wechat",
    "connectors/weibo",
    "connectors/asterisk",
    "connectors/call_files",
)


def said() -> str:
    """Every sentence of the sources, its pieces joined and its quotes of settings without backticks."""
    files = [file for room in _ROOMS for file in [ROOT / room, *(ROOT / room).rglob("*.py")] if file.is_file()]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return re.sub(r"\"\s*\n\s*f?\"", "", text).replace("`", "")


def quotes() -> list[str]:
    rows = [line.split("|")[1] for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [quote for row in rows for quote in re.findall(r"`([^`]+)`", row)]


@each_row("quote", quotes())
def test_every_sentence_that_the_page_quotes_is_said(quote: str) -> None:
    text = re.sub(r"\{[^{}\n]*\}", "…", said())
    pieces = [piece.strip(" .") for piece in quote.split("…") if len(piece.strip(" .")) > 2]
    assert [piece for piece in pieces if piece not in text] == []


def test_the_page_on_security_names_every_user_and_role() -> None:
    text = SECURE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(hotline-\w+)` \|", text, re.MULTILINE)) == set(acls.users())
    assert all(f"`{role}`" in text for role in elastic_roles.roles())
