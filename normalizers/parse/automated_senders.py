"""Automated senders: words of automatic replies and bounces, and addresses and ids that no person owns."""

import re
from typing import NamedTuple

from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.text.matcher import trie

_NO_READER = r"(?<![a-z])(?:no|not|non|donot|dont)[._-]?(?:reply|respond|response|answer)(?![a-z])"
_ON_LEAVE = r"(?:am|'m|is|currently|now) on (?:annual |sick |parental )?(?:vacation|leave|holiday)"
_AWAY_NOTE = r"auto\s*:.{0,80}\b(?:is|am|are|will be) out of (?:the )?office"
"""Notes's word for an absence, in the subject."""

_UNDELIVERED = (
    r"(?:your|the following|this|original) (?:e-?mail |mail )?(?:message|e-?mail|mail)\b"
    r"(?:(?!\b(?:my|our|i|we)\b)[^!?]){0,200}?"
    r"(?:could not|cannot|can't|couldn't|was not|wasn't|has not(?: yet)? been|not)\s+(?:be )?delivered"
    r"|message that you sent could not be delivered"
    r"|(?:unable|able|could not|couldn't)\s+(?:to )?deliver\s+(?:the |this |your )?(?:following )?"
    r"(?:message|e-?mail|mail)\b(?! (?:of|from) m[ey])"
    r"|(?:您|你(?!们|們))[^。！？我\n]{0,20}(?:邮件|郵件|信件)[^。！？我\n]{0,60}(?:退回|退信|未能|无法|無法|不能|没有|没能|失败|失敗)"
)
"""A mail system's sentence to the sender of an undelivered mail."""

_FAILURE = (
    r"(?<![\d.])[45]\d\d[ -]#?[45]\.\d{1,3}\.\d{1,3}(?![\d.])|#[45]\.\d{1,3}\.\d{1,3}"
    r"|(?:code|said|error|received >>>)\W{0,3}[45]\d\d\b|^[45]\d\d - "
    r"|^[\W_]{0,5}[\w.+-]{1,64}@[\w.-]{1,100}\W{0,3}(?:$| - )|<[\w.+-]{1,64}@[\w.-]{1,100}>"
    r"|(?:recipients?|收件人)\W{0,4}[\w.+-]{1,64}@"
)
"""A status code (RFC 3463), a reply code (RFC 5321), or the address that was not reached."""

_NO_ID = r"0+|-1|(.)\1{3,}|(?:0\d{2,3})?123\d\d|[^\w]*"


class Machines(NamedTuple):
    """Patterns made of one file of rules."""

    reply_subject: re.Pattern[str]
    reply_text: re.Pattern[str]
    """Names of a machine for itself, or words for an absence."""

    mailer: re.Pattern[str]
    """Before the @, of programs that write notices alone."""

    mail_role: re.Pattern[str]
    mail_software: re.Pattern[str]
    bounce_subject: re.Pattern[str]
    bounce_title: re.Pattern[str]
    """Beginnings of a notice's subject, which no person writes."""

    bounce_text: re.Pattern[str]
    failure: re.Pattern[str]
    senders: frozenset[str]
    """Local parts of addresses that send for anybody."""

    no_reader: re.Pattern[str]
    no_id: re.Pattern[str]


@part("machines.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Machines:
    """Return the patterns of the city's own file, or the shipped one."""
    found = rules.toml("machines")
    replies, bounces, nobody = found["replies"], found["bounces"], found["nobody"]
    this, away = trie(replies["this"].split()), trie(replies["away"].split())
    return Machines(
        reply_subject=precompiled.pattern(rf"^\W*(?:{_AWAY_NOTE}|{trie(replies['subjects'])})\b\W*", re.IGNORECASE),
        reply_text=precompiled.pattern(
            rf"{this}[^,，。!！\n]{{0,8}}自(?:动|動)|{away}(?:期间|期間|中|[,，。.!！;；\s]|至|到|$)"
            rf"|{trie(replies['texts'])}|{_ON_LEAVE}",
            re.IGNORECASE,
        ),
        mailer=precompiled.pattern(rf"^{trie(bounces['senders'].split())}$", re.IGNORECASE),
        mail_role=precompiled.pattern(rf"^{trie(bounces['roles'].split())}$", re.IGNORECASE),
        mail_software=precompiled.pattern(rf"(?<![a-z]){trie(bounces['software'])}(?![a-z])", re.IGNORECASE),
        bounce_subject=precompiled.pattern(trie(bounces["subjects"]), re.IGNORECASE),
        bounce_title=precompiled.pattern(rf"^\W*{trie(bounces['titles'])}", re.IGNORECASE),
        bounce_text=precompiled.pattern(f"{_UNDELIVERED}|{trie(bounces['texts'])}", re.IGNORECASE),
        failure=precompiled.pattern(_FAILURE, re.IGNORECASE | re.MULTILINE),
        senders=frozenset(nobody["senders"].lower().split()),
        no_reader=precompiled.pattern(f"{_NO_READER}|{trie(nobody['unread'].split())}", re.IGNORECASE),
        no_id=precompiled.pattern(f"{_NO_ID}|{trie(nobody['ids'].split())}", re.IGNORECASE),
    )
