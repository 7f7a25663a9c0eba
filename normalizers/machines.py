"""Machines: by which words a mail is an automatic reply or a bounce, and an address or an id nobody's."""

import re
from pathlib import Path
from typing import NamedTuple

from normalizers import rules
from normalizers.findings.words import trie

_NO_READER = r"(?<![a-z])(?:no|not|non|donot|dont)[._-]?(?:reply|respond|response|answer)(?![a-z])"
_ON_LEAVE = r"(?:am|'m|is|currently|now) on (?:annual |sick |parental )?(?:vacation|leave|holiday)"
_NO_ID = r"0+|-1|(.)\1{3,}|(?:0\d{2,3})?123\d\d|[^\w]*"


class Machines(NamedTuple):
    """What finds them; made of one file of rules."""

    reply_subject: re.Pattern[str]
    reply_text: re.Pattern[str]
    """How a machine speaks of itself, or of who is away."""

    mailer: re.Pattern[str]
    bounce_subject: re.Pattern[str]
    senders: frozenset[str]
    """Before the @, of whoever writes for anybody."""

    no_reader: re.Pattern[str]
    no_id: re.Pattern[str]


@rules.of_files("machines.toml")
def rulebook(folder: Path | None = None) -> Machines:
    """Return what finds them by the city's own file, or ours."""
    found = rules.load("machines", folder)
    replies, bounces, nobody = found["replies"], found["bounces"], found["nobody"]
    this, away = trie(replies["this"].split()), trie(replies["away"].split())
    return Machines(
        reply_subject=re.compile(rf"^\W*{trie(replies['subjects'])}\b\W*", re.IGNORECASE),
        reply_text=re.compile(
            rf"{this}[^,，。!！\n]{{0,8}}自(?:动|動)|{away}(?:期间|期間|中|[,，。.!！;；\s]|至|到|$)"
            rf"|{trie(replies['texts'])}|{_ON_LEAVE}",
            re.IGNORECASE,
        ),
        mailer=re.compile(rf"^{trie(bounces['senders'].split())}$", re.IGNORECASE),
        bounce_subject=re.compile(trie(bounces["subjects"]), re.IGNORECASE),
        senders=frozenset(nobody["senders"].lower().split()),
        no_reader=re.compile(f"{_NO_READER}|{trie(nobody['unread'].split())}", re.IGNORECASE),
        no_id=re.compile(f"{_NO_ID}|{trie(nobody['ids'].split())}", re.IGNORECASE),
    )
