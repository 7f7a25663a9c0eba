"""The pages by the rules of others: HTML by html-validate, accessibility (WCAG 2.2 A and AA) by axe-core."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from connectors.web import pages
from connectors.web.receipts import Receipts
from tests.connectors.web.browser import visit
from tests.connectors.web.doors import CITY, QUERY_KEY, Door, ticket
from tests.peers import npm

AXE = Path(npm.__file__).parent / "axe"


def judged(found: dict[str, str]) -> list[str]:
    """Return what the two find wrong with these pages."""
    environment = {**os.environ, "NODE_PATH": str(npm.modules(AXE))}
    command = ["node", str(AXE / "check.mjs")]
    done = subprocess.run(
        command, input=json.dumps(found), env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    return list(json.loads(done.stdout))


async def every_page(door: Door) -> dict[str, str]:
    made = door.archive.put(ticket())
    receipt = f"/web/receipt/{Receipts(QUERY_KEY, CITY, 'city').receipt(made.first_message_id)}"
    found: dict[str, str] = {}
    async with door.open(form_per_hour=1) as client:
        for lang in pages.LANGUAGES:
            for path in ("/web", "/web/status", receipt, "/web/receipt/none"):
                found[f"{lang} {path}"] = (await visit(client, f"{path}?lang={lang}")).text
            wrong = {"lang": lang, "text": "", "email": "x", "place": "p" * 2_000, "hotline": "12301"}
            found[f"{lang} wrong"] = (await client.post("/web", data=wrong)).text
            found[f"{lang} once more"] = (await client.post("/web", data={"lang": lang, "text": "a"})).text
            facts = (await visit(client, receipt)).facts
            for code in (facts["查询码"], "0"):
                data = {"lang": lang, "number": made.ticket_no, "code": code}
                found[f"{lang} asked {code}"] = (await client.post("/web/status", data=data)).text
    return found


@pytest.mark.integration
async def test_every_page_is_right_by_the_rules_of_others_and_a_broken_one_is_seen(door: Door) -> None:
    found = await every_page(door)
    assert len(found) == 16
    page = found["zh /web"]
    broken = {
        "no label": page.replace('<label for="title">', '<label for="titles">'),
        "no language": page.replace(' lang="zh-CN"', "", 1),
        "not closed": page.replace("</fieldset>", ""),
    }
    told = judged(found | broken)
    assert [line for line in told if line.partition(":")[0] in found] == []
    assert {line.partition(":")[0] for line in told} == broken.keys()


def test_both_languages_say_the_same_things() -> None:
    known = pages.words()
    assert {name: known[name].keys() for name in known} == {name: known["zh"].keys() for name in pages.LANGUAGES}
    for name, said in known["zh"].items():
        if isinstance(said, str):
            assert set(re.findall(r"\{\w+\}", said)) == set(re.findall(r"\{\w+\}", known["en"][name])), name


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2.2."""
    digits = colour if len(colour) == 6 else "".join(each * 2 for each in colour)
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_text_colour_stands_out_from_white() -> None:
    """White on the button's blue is the same pair the other way round."""
    colours = set(re.findall(r"(?<![\w-])color: #([0-9a-f]{3,6})", pages.style().decode())) - {"fff"}
    assert len(colours) >= 4
    faint = [colour for colour in colours if 1.05 / (luminance(colour) + 0.05) < 4.5]
    assert faint == []
