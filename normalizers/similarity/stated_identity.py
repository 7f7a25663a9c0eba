"""Stated: the name (姓名) by which somebody asks, as keyed hashes: a telephone of an office is many persons'.

Two of them state different surnames, different names, or one is Mr and the other Mrs (王先生, 王女士); or each another
telephone (联系电话：…), as in letters that an office passes on, or another room (3-2-501), as a household has one.
Whoever writes for another (替我妈问) states whom for. All of it is told from any account: who has a WeChat, or sits at
a desk with an app, is asked to write by those who have none. Each is hashed together with the number, address or id
that it was stated from: no other one's hashes tell the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from normalizers.base import Draft, Policy
from normalizers.parse.contacts import identity_of
from normalizers.pii import third_persons
from normalizers.pii.name_patterns import HAN, NO_PLACE, Surnames
from normalizers.rules import DEFAULT_RULES, Rules, part, precompiled
from normalizers.similarity.numbers import homes
from normalizers.similarity.on_behalf import OnBehalf
from normalizers.similarity.requester import keyed_hashes
from normalizers.text.fold import fold
from normalizers.text.matcher import Words, trie
from schemas.records import Party

_NICKNAMED = "weibo"
"""Begins the kinds of channels on which a uid is shown by a nickname; an app's account and an import's have names."""

_BEGINNING, _END = 200, 60
"""Characters at the beginning and at the end of a text in which people say who they are."""

_WITHHELD = "[某xX*×]{1,2}"
_ENDS = r"(?=[,。.;、:!?\s()\"“”'0-9+电手联住在系是]|家住|[男女](?![\u4e00-\u9fff])|$)"
_NOT_OF = "(?!的|家|爱人|妻|丈夫)"
"""王女士的丈夫 is somebody else."""

_NOBODY = "(?<![人员户们方])"
"""A name does not end like those who speak: 江西人, 高层住户."""

_DOT = re.compile("[·•・‧∙.]")

_DATE = re.compile(r"[\s0-9年月日号./:：〇○零一二三四五六七八九十-]*")

_SHORT = 8
"""Characters that are kept of a name's hash: few names come from one number."""

_NOT_OF_OTHERS = "(?<![子女童生者父母妈爸妻夫员主东友]姓名)"
"""孩子姓名 and 患者姓名 are labels of somebody else."""

TELEPHONE, ON_BEHALF, HOME = NO_NAMES = ("telephone ", "on behalf ", "home ")
"""Begin the kinds of what is no name."""

_NUMBER = r"(?P<number>1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4}|(?:0[0-9]{2,3}[- ]?)?[2-9][0-9]{6,7})(?![0-9])"
_DIGITS = re.compile("[0-9]{4}")
_SAME_AS = 7
"""Digits: with and without its area a number is the same."""

Stated = tuple[str, str]


class Rulebook(NamedTuple):
    """What finds the names that people state of themselves; made of one file of rules."""

    cues: Words
    behind: Mapping[str, re.Pattern[str]]
    """What may stand behind each cue."""

    by_role: re.Pattern[str]
    """Behind what somebody is (业主王女士反映), or at the beginning of an operator's minutes."""

    signed: re.Pattern[str]
    """A name that stands in a line of its own below a text."""

    whole: re.Pattern[str]
    """The same where a channel has a field for it."""

    sexes: Mapping[str, str]
    others: re.Pattern[str]
    """Words and places that begin like a name."""

    telephones: tuple[re.Pattern[str], ...]
    """What finds one's own telephone, the surest first."""

    on_behalf: OnBehalf


def stated_names(draft: Draft, folded: str, policy: Policy) -> tuple[str, ...]:
    """Return by which surname, name and sex somebody asks, of which telephone and room, and for whom, under every key.

    What the text says is surer than the channel's field: there may stand whose telephone it is.
    """
    sender = draft.sender
    identity = identity_of(sender, policy.rules) if sender is not None else None
    if sender is None or identity is None:
        return ()
    lists = rulebook(policy.rules)
    said = folded if len(folded) <= _BEGINNING + _END else f"{folded[:_BEGINNING]}\n{folded[-_END:]}"
    told = set(_for_whom(said, lists))
    told |= set(_in_text(said, lists)) | set(_below(draft.text, lists)) or set(
        _in_field(_name_of(draft, sender), lists)
    )
    told |= {(HOME, room) for room in homes(said)}
    told |= {(TELEPHONE, number) for number in _own_telephones(said, lists) if not identity.endswith(number)}
    return tuple([one for kind, said in sorted(told) for one in _hashed(kind, identity, said, policy)])


def _name_of(draft: Draft, sender: Party) -> str | None:
    """Return the channel's field for the name; None where a nickname stands in it."""
    is_nicknamed = sender.kind == "openid" or (draft.channel_kind or "").startswith(_NICKNAMED)
    return None if is_nicknamed else sender.name


def _hashed(kind: str, identity: str, said: str, policy: Policy) -> Iterator[str]:
    """Yield under each key whose name of which kind it is, and, behind the last dash, the name."""
    kinds, names = keyed_hashes(f"{kind} of", identity, policy), keyed_hashes(f"{kind} of {identity}", said, policy)
    begins = kind if kind.startswith(NO_NAMES) else ""
    for whose, name in zip(kinds, names, strict=True):
        yield f"{begins}{whose}-{name.rpartition(':')[2][:_SHORT]}"


def _for_whom(said: str, lists: Rulebook) -> Iterator[Stated]:
    for whom, surname in lists.on_behalf.told(said):
        yield ON_BEHALF, whom
        if surname is not None:
            yield f"{ON_BEHALF}surname ", surname


def _own_telephones(said: str, lists: Rulebook) -> set[str]:
    """Return the numbers that are stated in the surest way; of these a landline may be the office's."""
    if _DIGITS.search(said) is None:
        return set()
    ways = ([one["number"] for one in pattern.finditer(said)] for pattern in lists.telephones)
    found = next(filter(None, ways), [])
    mobile = [number for number in found if number[0] == "1"]
    return {re.sub("[- ]", "", number)[-_SAME_AS:] for number in mobile or found}


def _in_field(name: str | None, lists: Rulebook) -> Iterator[Stated]:
    folded = fold(name).strip() if name else ""
    found = lists.whole.fullmatch(folded) if folded else None
    if found is not None:
        yield from _told(found, lists)


def _in_text(said: str, lists: Rulebook) -> Iterator[Stated]:
    begins = (0, said.find("\n") + 1)
    found = [lists.by_role.match(said, at) for at in begins]
    found += [lists.behind[said[start:end]].match(said, end) for start, end in lists.cues.spans(said)]
    for one in filter(None, found):
        yield from _told(one, lists)


def _below(text: str, lists: Rulebook) -> Iterator[Stated]:
    """Yield who signs a text: a name that is all of its last line, over the date."""
    lines = [line for line in text[-_END:].split("\n") if _DATE.fullmatch(line) is None]
    found = lists.signed.fullmatch(fold(lines[-1]).strip()) if len(lines) > 1 else None
    if found is not None:
        yield from _told(found, lists)


def _told(found: re.Match[str], lists: Rulebook) -> Iterator[Stated]:
    """Yield what is stated; 我是高中生 and 本人江西 only begin like a name.

    Of 买买提·艾力 the first part is one's own, and stands where others have a surname.
    """
    told = found.groupdict()
    if (sounds := told.get("sounds")) is not None:
        yield "surname", _DOT.split(sounds)[0]
        return
    if (surname := told.get("called") or told.get("withheld") or told.get("only")) is not None:
        yield "surname", surname
    elif lists.others.match(found.string, found.start("surname")) is None:
        yield "surname", told["surname"]
        yield "name", told["surname"] + told["given"]
    if (sex := told.get("sex")) is not None:
        yield "sex", lists.sexes[sex]


@part("names.toml")
def rulebook(rules: Rules = DEFAULT_RULES) -> Rulebook:
    """Return what finds stated names by the city's own file, or ours."""
    found: dict[str, Any] = rules.toml("names")
    lists, known = found["stated"], Surnames.of(found)
    sexes = {word: line.split()[0] for line in lists["sexes"].strip().splitlines() for word in line.split()}
    any_surname, words = f"{known.two}|{known.one}", found["third_persons"]
    given = rf"(?:(?![{words['never_given']}某]){HAN}){{1,2}}?"
    likely = f"{known.two}|[{words['surnames']}]"
    told = f"{_addressed(likely, given, sexes)}|{_named(likely, given)}"
    sounds = f"(?P<sounds>{known.foreign}|{trie(found['peoples']['names'].split())})"
    by_role = precompiled.pattern(f"(?:{told}|{sounds})(?={trie(lists['speaks'].split())})")
    own = rf"{_NOT_OF_OTHERS}[:是叫为 ]{{0,3}}(?:{told}{_NOBODY}{NO_PLACE}{_ENDS}|{sounds}{_ENDS})"
    patterns = {
        "cues": precompiled.pattern(own),
        "roles": by_role,
        "surnamed": precompiled.pattern(f"(?P<only>{any_surname})(?![名氏])"),
    }
    behind = {cue: pattern for kind, pattern in patterns.items() for cue in lists[kind].split()}
    return Rulebook(
        cues=Words(behind),
        behind=behind,
        by_role=by_role,
        signed=precompiled.pattern(f"{told}|{sounds}"),
        whole=precompiled.pattern(f"{_addressed(any_surname, given, sexes)}|{_named(any_surname, given)}|{sounds}"),
        sexes=sexes,
        others=third_persons.rulebook(rules).words,
        telephones=tuple(_telephones(lists)),
        on_behalf=OnBehalf.of(found["on_behalf"], likely, sexes),
    )


def _telephones(lists: Mapping[str, str]) -> Iterator[re.Pattern[str]]:
    sure, alone = trie(lists["telephones"].split()), trie(lists["alone"].split())
    who = trie([*lists["cues"].split(), *lists["roles"].split()])
    asks = rf"{who}[:是叫为 ]{{0,3}}(?:(?![的电联手话号]){HAN}){{1,4}}[(,:、 ]{{0,2}}"
    ends = rf"{HAN}{{2,3}}[:, ]{{1,2}}"
    for cue, behind in ((sure, ""), (f"{asks}{alone}?", ""), (f"(?:{alone}|{ends})", "(?= ?(?:[。.;)]|$))")):
        yield precompiled.pattern(rf"(?<!{HAN}){cue}(?:号码?)?[:是为 ]{{0,3}}(?:\+?86[- ]?)?{_NUMBER}{behind}")


def _addressed(surname: str, given: str, sexes: Iterable[str]) -> str:
    withheld = f"(?P<withheld>{surname}){_WITHHELD}"
    return rf"(?P<called>{surname})(?:{_WITHHELD}|{given})?(?P<sex>{trie(sexes)}){_NOT_OF}|{withheld}"


def _named(surname: str, given: str) -> str:
    return rf"(?P<surname>{surname})(?P<given>{given})"
