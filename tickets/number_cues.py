"""Number cues: words before digits that tell whether they reach a person, or are counted on a thing."""

import re
from pathlib import Path
from typing import NamedTuple

from normalizers import rules
from normalizers.findings.words import behind_any, trie
from normalizers.text import SPOKEN_DIGITS


class Cues(NamedTuple):
    """What finds them; made of `[numbers]` in `rules/names.toml`."""

    called: re.Pattern[str]
    near_a_telephone: re.Pattern[str]
    thing: re.Pattern[str]
    """What is counted behind these words is a thing."""

    begun: re.Pattern[str]
    spoken_begun: re.Pattern[str]
    """Of a number that was cut off."""


@rules.of_files("names.toml")
def rulebook(folder: Path | None = None) -> Cues:
    """Return what finds them by the city's own file, or ours."""
    found = {name: words.split() for name, words in rules.load("names", folder)["numbers"].items()}
    telephone, near, thing, begun = (trie(found[name]) for name in ("telephones", "near", "things", "begun"))
    return Cues(
        called=re.compile(
            rf"(?:{telephone}|(?<![\u4e00-\u9fff])(?:号码|[办宅](?=[:0-9])))[号码]{{0,2}}[:是为到给打,、\s(]{{0,3}}"
            r"(?:[2-9][0-9]{6,7} ?(?:[/、,和]|或者?|还有) ?){0,3}$"
        ),
        near_a_telephone=re.compile(rf"(?:{near}|[少多][了按打写]*一位)[^。;!?\n]{{0,8}}$"),
        thing=re.compile(
            rf"(?:{thing}|(?<![账帐])户)(?:单?号码?|码|编号|代码)?[:：是为\s]{{0,3}}(?:[a-z]{{1,6}}[-_]?)?$"
        ),
        begun=re.compile(rf"{begun}[号码]{{0,2}}[:：是为\s]{{0,3}}(\+?[0-9][0-9 -]{{2,}})$"),
        spoken_begun=re.compile(
            rf"(?:[一幺壹][三四五六七八九叁肆伍陆柒捌玖](?=[{SPOKEN_DIGITS}]{{5}})"
            rf"|{behind_any(found['spoken'])}(?=[{SPOKEN_DIGITS}]{{3}}))[{SPOKEN_DIGITS}]{{3,10}}$"
        ),
    )
