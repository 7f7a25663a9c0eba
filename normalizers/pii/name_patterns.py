"""What may stand behind a cue (我叫, 联系人：, 护照, 抖音号), by the kinds in which `rules/names.toml` lists cues.

The last group that matches is the name, the account or the number of the document.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from normalizers.geo import divisions
from normalizers.pii.latin_names import LETTER, western
from normalizers.text.fold import SPOKEN_DIGITS
from normalizers.text.lexicon import words_with
from normalizers.text.matcher import one_of, trie

HAN = r"[\u4e00-\u9fff]"
PUNCTUATION = r"""[,，。.;；、:：!！?？\s()（）"“”'0-9+]"""
NO_PLACE = "(?<![区县市镇乡村街路巷校厂店站司局院园里号楼边旁口道桥])"
_MENTIONED = r"(?=[a-z\u4e00-\u9fff_])([\w-]{2,15}(?![\w-])|[\w-]{6})"
_ENDS = rf"(?={PUNCTUATION}|$)"
_RELATIVE = "[妈爸父母儿女孩丈妻老邻朋同家哥姐弟妹爷奶外]"
_FILLER = r"[:：是为叫\s]{0,3}"
_LATIN_NAME = "(?!(?:is|was|of|on|in|and) )[a-z]{2,20}(?: [a-z]{2,20}){1,2}"
_DOT = "[·•・‧∙]"
_DOTTED_NAME = rf"{HAN}{{2,8}}{_DOT}{HAN}{{1,8}}"
_FOREIGN_NAME = rf"{_DOTTED_NAME}|{LETTER}{{2,20}}(?: {LETTER}{{1,20}}){{0,2}}"
_NOBODY = "(?![一不无未没本同如见详暂略保匿]|业主|市民|居民|群众)"


class Surnames(NamedTuple):
    """Patterns of a surname, and of whole names: one that is likely, one behind a surer cue."""

    common: str
    one: str
    two: str
    rare: str
    """One of those that are believed only beside a surer word."""

    rare_name: str
    """A name with one of those, of characters that given names are made of."""

    words: str
    name: str
    any_name: str
    foreign: str
    """Of the peoples whose names are written by sound: 阿布都·热合曼, 扎西次仁."""

    dotted: str
    """Of these the ones with a dot, which nothing else is written like."""

    of_peoples: str
    """Of these the ones that are made of known given names: 其其格, 扎西次仁."""

    latin: str
    """Of foreigners, in Latin letters."""

    bodies: str
    """How the names of bodies end."""

    no_origin: str
    """Before a name: it is not the place somebody is of (彭州人)."""

    said: str
    """What who is named goes on with."""

    papers: str
    """What stands behind a name in the name of a file."""

    no_homes: Sequence[str]
    """Words that end with 家."""

    called: Sequence[str]
    """What is called (叫) and is no name."""

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> "Surnames":
        """Make the patterns of the lists in the file; raises KeyError, TypeError or AttributeError for others."""
        common, others = found["common_surnames"], found["other_surnames"]
        one, two, words = f"[{common}{others}]", trie(found["two_surnames"].split()), found["words"].split()
        begun = "".join(sorted({name[0] for name in found["two_surnames"].split()}))
        places = trie(sorted({one for one in divisions.names() if len(one) > 1 and one[0] in common}))
        unless = f"(?!{trie(words)})" if words else ""
        sounds, rare, beside = found["transliterated"], _rare_name(found["role_names"]), found["beside_names"]
        apart = rf" {HAN} (?![男女汉电手]){HAN}(?!{HAN})"
        return cls(
            common=f"[{common}]",
            one=one,
            two=two,
            rare=one_of(found["role_names"]["surnames"]),
            words=unless,
            name=rf"(?=[{common}{begun}]){unless}(?:{two}{HAN}{{1,2}}|[{common}]{apart}|[{common}] ?{HAN}{{1,2}})",
            rare_name=rare,
            any_name=rf"(?:{two}{HAN}{{1,2}}|{one}{apart}|{one} ?{HAN}{{1,2}})",
            foreign=_by_sound(sounds) if sounds else "(?!)",
            dotted=_dotted(sounds, found["foreign_sounds"]) if sounds else "(?!)",
            of_peoples=_of_peoples(found) if sounds else "(?!)",
            latin=western(found),
            bodies=trie(found["bodies"].split()),
            no_origin=f"(?!{places}[人的市县区籍户居])",
            said=trie(beside["said"].split()),
            papers=trie(beside["papers"].split()),
            no_homes=beside["no_homes"].split(),
            called=found["called_but_no_name"].split(),
        )


def _rare_name(found: Mapping[str, str]) -> str:
    """Return the pattern of names with a surname that other words begin with as often; no word or place is one."""
    surnames = "".join(one for one in found["surnames"] + found["rarer"] if one not in found["words_too"])
    words = (*found["words"].split(), *words_with(found["rarer"]), *divisions.names())
    listed = (word for word in words if word[0] in surnames and word[1:])
    return rf"(?!{trie(listed)}){one_of(surnames)}{one_of(found['given'])}{{1,2}}"


@lru_cache(4)
def _by_sound(sounds: str, *, dotted: bool = False) -> str:
    """Return the pattern of names in these characters, and of no place."""
    heard = set(sounds)
    places = trie(name for name in divisions.names() if len(name) > 1 and heard.issuperset(name[:2]))
    part = rf"(?:[{sounds}]|(?<=阿)不)"
    dot = _DOT if dotted else "[·•・‧∙.]"
    in_parts = rf"{part}{{1,8}}{dot}(?:{part}{{2,8}}(?!{HAN})|{HAN}{{2,5}}{_ENDS}|{part}{{2,8}})"
    return (
        rf"(?!{places})(?:{in_parts})"
        if dotted
        else rf"(?!{places})(?:{in_parts}|(?![再都来让那才其然合高]|特[别意地]|别[让再]){part}{{3,9}})"
    )


def _dotted(sounds: str, foreign: str) -> str:
    """Return the pattern of names with a dot: of the peoples, and of foreigners by their sounds."""
    part, last = rf"{one_of(foreign)}{{2,7}}", rf"{one_of(foreign)}{{3,7}}"
    more = rf"(?:{_DOT}{part}){{0,2}}"
    known = _by_sound(sounds, dotted=True)
    return rf"{known}|(?<!{HAN}){part}{_DOT}{part}{more}|{part}{more}{_DOT}(?:{last}|{part}(?!{HAN}))"


def _of_peoples(found: Mapping[str, Any]) -> str:
    """Return the pattern of names that are like no other words: of two that are given names, or with such an ending.

    One of two characters is believed alone where a word begins and somebody says or has something.
    """
    lists = found["peoples"]
    run = "".join(sorted(set(found["transliterated"]) - set(lists["no_syllables"])))
    names, ends, says = (trie(lists[name].split()) for name in ("names", "ends", "goes_on"))
    alone = trie(name for name in lists["names"].split() if name not in lists["not_alone"].split())
    places = trie((*found["full_names"]["goes_on_as_a_place"].split(), *lists["firms"].split()))
    begins = "|".join((f"(?<!{HAN})", *(f"(?<={word})" for word in (*lists["before"], *lists["words_before"].split()))))
    first = "".join(sorted({name[0] for name in f"{lists['names']} {lists['ends']}".split()} | set(run)))
    whole = rf"{names}(?:{names}|{ends})|[{run}]{{0,4}}?{ends}[{run}]{{0,2}}|(?:{begins}){alone}(?={says})"
    return rf"(?=[{first}])(?:{whole})(?!{places})"


def after(known: Surnames) -> Iterator[tuple[str, str]]:
    """Yield each kind of cue and the pattern of what may stand behind it."""
    yield from _names(known)
    yield "named_as", rf"[:是为\s]{{0,3}}{known.words}({known.any_name}|{known.foreign}){NO_PLACE}{_ENDS}"
    yield (
        "surnamed",
        rf"(?<![百同异]姓)((?:{known.two}|{known.one}),?名{HAN}{{1,2}})(?={PUNCTUATION}|$)|(?<![百同异]姓)({known.two}|{known.one})(?![名氏])",
    )
    yield "given", rf"[:是叫\s]{{0,2}}[\"“]?({HAN})(?=[\"”]?(?:字|[,，。;；\s]|$))"
    yield "mention", rf"(?!平安|[\w-]{{0,18}}{known.bodies}[\w-]?(?![\w-])){_MENTIONED}"
    yield from _LATIN.items()
    yield from _ACCOUNTS.items()
    yield from _DOCUMENTS.items()


def _names(known: Surnames) -> Iterator[tuple[str, str]]:
    name, any_name, foreign = known.name, known.any_name, known.foreign
    called, called_in_words = trie(known.called), trie(word for word in known.called if len(word) > 1)
    yield (
        "calls_itself",
        (
            rf"{_FILLER}(?:({_FOREIGN_NAME}|{foreign})|({any_name})(?={PUNCTUATION}|[电手联住家在的是系反称]|$)"
            rf"|(?![了他她它你您过来去上不人]|{called_in_words})({HAN}{{2,4}}){_ENDS}|({any_name}))"
        ),
    )
    yield (
        "labelled",
        (
            rf"[\"')]?\s?[:：】\]|=>]\s?[\"'“]?(?:({_FOREIGN_NAME}|{foreign})|({any_name})(?={PUNCTUATION}|[电手联住家在男女]|$)"
            rf"|{_NOBODY}({HAN}{{2,4}}){NO_PLACE}{_ENDS}|({name}))"
            rf"|[是为\s]{{0,2}}({foreign})|[是为\s]{{0,2}}({name}){NO_PLACE}(?={PUNCTUATION}|[电手联住家系是男女]|$)"
            rf"|\s?({_LATIN_NAME}){_ENDS}"
        ),
    )
    yield (
        "is",
        (
            rf"[:：是为\s]{{0,3}}(?:(?:[0-9]{{1,2}}-)?[0-9]{{3,4}}[室户]?的?)?(?:({_DOTTED_NAME}){_ENDS}|({foreign}|{known.latin})"
            rf"|{known.no_origin}({name}|{known.rare_name}){NO_PLACE}(?={PUNCTUATION}|[电手联住家系是男女、]|$|的{_RELATIVE}))"
        ),
    )
    yield (
        "labelled_as",
        rf"[\"')]?\s?[:：】\]|=>]\s?[\"'“]?({any_name}|{foreign}){NO_PLACE}(?={PUNCTUATION}|[电手联住家男女&<]|$)",
    )
    yield "says", rf"(?!方)(?:({foreign})|({name})(?={known.said}))"
    yield (
        "is_called_a_child",
        rf"[:：是为做\s]{{0,2}}(?!{called})({any_name}|{foreign}|[小大阿]{HAN}{{1,2}}|{HAN}{{2,3}}?)"
        rf"(?={PUNCTUATION}|[的在是住被上读]|今年|现年|就读|$)",
    )
    yield (
        "is_called",
        rf"[:\s]{{0,2}}(?!{called_in_words})({any_name}|{foreign}|[小大阿]{HAN}{{1,2}})(?={PUNCTUATION}|的|$)",
    )
    yield "signs", rf"[!！。.,，~\s]{{0,4}}({any_name}|{known.latin}){NO_PLACE}{_ENDS}"
    yield "signs_after_thanks", rf"[!！。.~\s]{{1,4}}({name}|{known.rare_name}){NO_PLACE}(?=[\s0-9]|$)"


_LATIN: Mapping[str, str] = {
    "nickname": r"[是为叫:\s]{0,3}[\"“「]?(?![片字称是])([\w-]{2,8})",
    "signs_in_english": (
        r"[,.!]?\s{1,3}(?!(?:very|so|for|again|and|in|to|you)\b)"
        r"([a-z]{2,20}(?: [a-z]{2,20}){0,2})(?=\s*(?:[0-9+\n]|$))"
    ),
}

_ACCOUNTS: Mapping[str, str] = {
    "qq": (
        r"(?:群里?的?)?[号码群:：是为\s]{0,4}(?!12345(?![0-9]))"
        r"([1-9][0-9]{4,11}|[1-9][0-9]{2,4}(?:[ -][0-9]{1,5}){1,3}(?![0-9])"
        rf"|[1-9](?: [0-9]){{5,10}}(?![0-9])|[{SPOKEN_DIGITS}]{{6,11}}(?![{SPOKEN_DIGITS}]))"
    ),
    "wechat": (
        r"(?:\s?(?:号码?|id|同号))?(?: is)?(?:[:：是为\s]|[^\w,，、。.;；/]){0,3}"
        r"([a-z][a-z0-9_-]{5,19}|[0-9][0-9a-z_-]{5,19})"
    ),
    "q": r"(?<![a-z0-9]q[: ])\s?(?!12345(?![0-9]))([1-9][0-9]{4,11})",
    "v": r"(?<![a-z0-9]v:)\s?([a-z][a-z0-9_-]{5,19})",
    "network": (
        r"(?:\s?(?:id|号|[账帐][号户])?\s?[:：]\s?(?:live:)?@?|\s?(?:id|[账帐]号)\s?)(?!https?:|www\.)([a-z0-9][a-z0-9_.-]{4,29})"
    ),
    "secret": (
        r"[号码:是为\s]{0,3}(?![0-9]{2,4}[年个位次秒]|[0-9]+(?:\.[0-9]+)?[元块万])"
        r"([a-z0-9](?=[^\s]{0,28}[0-9])[a-z0-9@#$%^&*.!_-]{3,29})"
    ),
    "account": r"[码:：是为\s]{0,3}(?![0-9.]+[元块万人])([a-z0-9][a-z0-9_.-]{4,29})",
}

_HAN_MONTH, _HAN_DAY = "(?:[腊冬正]|[一二三四五六七八九十]{1,2})月", "初?[一二三四五六七八九十廿]{1,3}[日号]?"
HAN_DATE = rf"(?:[{SPOKEN_DIGITS}]{{2,4}}年{_HAN_MONTH}(?:{_HAN_DAY})?|{_HAN_MONTH}{_HAN_DAY})"
"""一九七八年九月二十五日, 七八年九月初三."""

_OF_A_PERSON = "".join(f"(?<!{paper}证{number})" for paper in ("许可", "合格") for number in ("号", "编号"))
"""What a shop or its goods have is on its wall."""

_NO_DATE = r"(?!20[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?![0-9-]))"
_YEAR = r"(?:19|20)[0-9]{2}(?:[)〕\]]|\.[0-9]{1,2}[-至到]|-20[0-3][0-9](?![0-9]))"
_PART = "[a-z0-9]{1,40}+"

_DOCUMENTS: Mapping[str, str] = {
    "born": (
        r"[:：是为\s]{0,3}((?:19|20)[0-9]{2}(?:[年./-]\s?[0-9]{1,2}(?:[月./-]\s?[0-9]{1,2}日?|月)?|[01][0-9][0-3][0-9])"
        r"|[0-9]{1,2}月[0-9]{1,2}[日号]|[0-9]{1,2}[./-][0-9]{1,2}[./-](?:19|20)[0-9]{2})(?![0-9])"
        rf"|[:是为\s]{{0,3}}({HAN_DATE})"
    ),
    "document": (
        r"[号码证编字卡本(:：是为“\s]{0,5}(?:\)[:\s]?)?(?!20[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?![0-9]))"
        rf"([a-z]{{1,3}} ?[0-9]{{4}} [0-9]{{4}}|[a-z]{{0,3}} ?[0-9]{{6,20}}(?:\([0-9a]\)|[a-z])?"
        rf"|{HAN}{{1,3}}字第?[0-9]{{5,9}}|(?<=[号码:\s]){HAN}{{1,4}}第?[0-9]{{5,9}}(?![0-9日月年元]))"
    ),
    "passport": (
        r"(?: (?:no\.?|number))?(?: is|:)? ?"
        r"([a-z]{0,3} ?[0-9]{6,10}|[a-z](?=[a-z]*[0-9])[a-z0-9]{6,10}(?![a-z0-9]))"
    ),
    "last_digits": (
        rf"[数号码:：是为\s]{{0,3}}([0-9]{{3,6}}x?(?![0-9元块])|[{SPOKEN_DIGITS}]{{3,6}}x?(?![{SPOKEN_DIGITS}元块])"
        r"|(?=[a-z]{0,3}[0-9])[a-z0-9]{3,6}(?![a-z0-9]))"
    ),
    "vehicle": r"[号码代:是为\s]{0,5}([a-z0-9]{6,17})(?![a-z0-9])",
    # In pieces with hyphens, or in groups of digits as on a card; a year or a price is none.
    "paper": (
        rf"{_OF_A_PERSON}[码:是为#“\"'(\s]{{0,4}}(?:编?号)?[码:是为\s]{{0,3}}(?:{HAN}(?=[a-z]))?"
        rf"{_NO_DATE}(?!{_YEAR})(?=[a-z_/-]{{0,8}}[0-9][a-z0-9_/-]{{2}})"
        rf"([0-9]{{2,6}}+(?: [0-9]{{2,6}}+){{1,5}}+|{_PART}(?:[_/-]{_PART}){{0,5}}+)"
        r"(?!\.?[0-9]{0,4}[年元万块个户人天栋幢层])"
    ),
    "case": (
        r"字?(?:[(〔\[]?(?:19|20)[0-9]{2}[)〕\]]?年?)?第?\s?"
        r"([0-9]{1,8}(?:-[0-9]{1,3})?)(?=号|之|[裁判决案]|[,。;\s]|$)"
    ),
    # A plate without its province, as its owner may write it; of the army, two letters.
    "plate": (
        rf"[号码照:：是为“\s]{{0,4}}({HAN}{{1,3}}[0-9]-[0-9]{{5}}(?![0-9])"
        rf"|{HAN}{{0,3}}[a-z]{{0,2}}[·. ]?(?=[a-z0-9]*[0-9])[a-z0-9]{{5,8}})(?![a-z0-9年元])"
    ),
}
