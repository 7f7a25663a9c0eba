"""Arguments of each kind of command; names are codes, because the event log keeps them for years."""

from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from normalizers.parse.codes import is_category, is_code
from normalizers.rules import DEFAULT_RULES, Rules
from schemas import enums
from schemas.records.common import Time
from tickets.commands.refusal import RefusalError

A = TypeVar("A", bound="Args")

Word = tuple[str, str | None, Collection[str]]
"""The name of an argument, its word, and the vocabulary."""

Words = Annotated[str, Meta(max_length=4000, extra={"words": True})]
"""Text for people: it goes into the ticket, and never into the event log."""

Name = Annotated[str, Meta(min_length=1, max_length=100, extra={"category": True})]
"""A code, or a class's or an office's name in a few words."""


class Args(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`if_version`: carry it out only while the ticket has this version; otherwise it is refused as stale."""

    if_version: int | None = None

    def words(self) -> Iterator["Word"]:
        """Yield the words of a vocabulary among the arguments."""
        return iter(())


class SetStatus(Args, frozen=True, kw_only=True):
    """`reason_code` is needed for not_accepted; the result (办理结果) is for answered and resolved."""

    status: str
    reason_code: str | None = None
    result_kind: str | None = None
    result_text: Words | None = None

    def words(self) -> Iterator["Word"]:
        """Yield the stage, and for one that is not accepted the reason."""
        yield "status", self.status, enums.STATUSES
        if self.status == "not_accepted":
            yield "reason_code", self.reason_code or "", enums.NOT_ACCEPTED


class Merge(Args, frozen=True, kw_only=True):
    """并单 into another ticket."""

    into: str


class Unmerge(Args, frozen=True, kw_only=True):
    """Either the ticket it was merged with, or a message that was filed in it by mistake."""

    ticket_id: str | None = None
    message_id: str | None = None


class Move(Args, frozen=True, kw_only=True):
    """A message of this ticket goes to another one; to a new one without `to`."""

    message_id: str
    to: str | None = None


class Reclassify(Args, frozen=True, kw_only=True):
    """诉求类型, 事项分类, 保密, 涉未成年人, or several.

    `minor_role`, `minor_topic` and `minor_harm` go with `minor` true; without them the earlier values stay.
    `minor_harm` says whether harm to the minor is to be reported (强制报告).
    """

    kind: str | None = None
    category: Name | None = None
    scheme: str = "local"
    scheme_version: str = "1"
    confidentiality: str | None = None
    minor: bool | None = None
    minor_role: str | None = None
    minor_topic: str | None = None
    minor_harm: bool | None = None

    def words(self) -> Iterator["Word"]:
        """Yield the classes."""
        yield "kind", self.kind, enums.REQUEST_KINDS
        yield "confidentiality", self.confidentiality, enums.CONFIDENTIALITY
        yield "minor_role", self.minor_role, enums.MINOR_ROLES
        yield "minor_topic", self.minor_topic, enums.MINOR_TOPICS


class SetDeadline(Args, frozen=True, kw_only=True):
    """办结时限 set by a person; a later automatic one does not replace it.

    One of: `due_at`; `extend`, in the limit's unit (延期); `policy_id` alone, the limit to count by; `recompute`, by
    the same limit after the calendar has grown, which is no person's decision.
    """

    clock: str
    due_at: Time | None = None
    policy_id: str | None = None
    extend: int | None = None
    recompute: bool = False

    def words(self) -> Iterator["Word"]:
        """Yield the clock."""
        yield "clock", self.clock, enums.CLOCKS


class Dispatch(Args, frozen=True, kw_only=True):
    """派单 or 改派: 主办单位 and 协办单位."""

    organizer: str
    organizer_name: Name | None = None
    co_organizers: tuple[str, ...] = ()
    rule_id: str | None = None


class ReturnDispatch(Args, frozen=True, kw_only=True):
    """退单."""

    reason_code: str


class Supervise(Args, frozen=True, kw_only=True):
    """督办."""

    level: str = "supervision"
    number: str | None = None

    def words(self) -> Iterator["Word"]:
        """Yield the weight."""
        yield "level", self.level, enums.SUPERVISION_LEVELS


class Revisit(Args, frozen=True, kw_only=True):
    """回访: was the citizen contacted (响应), is it resolved (解决), is the citizen satisfied (满意)."""

    contacted: bool
    resolved: bool | None = None
    satisfied: bool | None = None


class Dismiss(Args, frozen=True, kw_only=True):
    """误报: why the message is no alarm."""

    reason_code: str

    def words(self) -> Iterator["Word"]:
        """Yield the reason."""
        yield "reason_code", self.reason_code, enums.FALSE_ALARMS


class Judge(Args, frozen=True, kw_only=True):
    """Verdict on a proposal."""

    proposal_id: str


class Redact(Args, frozen=True, kw_only=True):
    """Whole fields, and spans of the ticket's text: [start, end) in characters, which need `if_version`.

    `message_ids`: the messages that the archive empties; all of the ticket's by default.
    """

    fields: tuple[str, ...] = ()
    spans: tuple[tuple[int, int], ...] = ()
    message_ids: tuple[str, ...] | None = None


class Forget(Args, frozen=True, kw_only=True):
    """`message_ids`: of a ticket that is only in the archive; those of a live ticket are known.

    Without a ticket: messages that no ticket has, and `month`, 2026-11, of their intake (UTC), as far as it is known.
    """

    message_ids: tuple[str, ...] = ()
    month: str | None = None


class Export(Args, frozen=True, kw_only=True):
    """Tickets in clear for another system: the format, the selection, and its description for the second person."""

    form: str
    digest: Words
    chosen: Words = ""


class Record(Args, frozen=True, kw_only=True):
    """An act of a person with the tools, for the audit log alone."""

    action: str
    subject: Words | None = None
    details: dict[str, Any] = msgspec.field(default_factory=dict)


class Approve(Args, frozen=True, kw_only=True):
    """SHA-256 of the request that a second person confirms."""

    digest: Words


class Read(Args, frozen=True, kw_only=True):
    """Fields that a person read in clear."""

    fields: tuple[str, ...] = ()


def read_args(given: dict[str, Any], kind: type[A], name: str, rules: Rules = DEFAULT_RULES) -> A:
    """Return the arguments of a command of kind `name`. Raises RefusalError, which lists the existing fields.

    `rules` may hold the city's own names of persons: no class or office may have one.
    """
    try:
        args = msgspec.convert(given, kind)
    except msgspec.ValidationError as error:  # its text can quote a value
        raise RefusalError("arguments", f"the arguments of {name} do not fit: {_misfit(given, kind)}") from error
    for field in msgspec.structs.fields(kind):
        if not _is_fit(field.type, getattr(args, field.name), rules):
            raise RefusalError("arguments", f"{field.encode_name} must be a code: up to 64 of A-Z a-z 0-9 _ . : / + -")
    for field_name, word, known in args.words():
        if word is not None and word not in known:
            raise RefusalError("arguments", f"{field_name} must be one of {', '.join(known)}")
    return args


def _misfit(given: dict[str, Any], kind: type[Args]) -> str:
    """Return the unknown, missing or ill-formed arguments by name; never quote a value, it may be personal."""
    fields = msgspec.structs.fields(kind)
    known = [field.encode_name for field in fields]
    if meant := unknown(given, kind):
        guesses = "".join(f" (did you mean {near}?)" for near in meant.values() if near)
        return f"one of them is none of it{guesses}, it takes {', '.join(known)}"
    if missing := [field.encode_name for field in fields if field.required and field.encode_name not in given]:
        return f"it needs {', '.join(missing)}"
    wrong = [field.encode_name for field in fields if field.encode_name in given and not _converts(given, field)]
    return f"{', '.join(wrong)} has another form, see the table of kinds"


def unknown(given: Iterable[str], kind: type[Args]) -> dict[str, str | None]:
    """Return the names that no argument of the kind has, each with the nearest existing one."""
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    return {name: next(iter(get_close_matches(name, known, n=1)), None) for name in given if name not in known}


def _converts(given: dict[str, Any], field: Any) -> bool:
    try:
        msgspec.convert(given[field.encode_name], field.type)
    except msgspec.ValidationError:
        return False
    return True


def _is_fit(hint: Any, value: Any, rules: Rules) -> bool:
    hint_text = str(hint)
    if isinstance(value, tuple):
        return all(_is_fit(hint, one, rules) for one in value)
    if not isinstance(value, str) or "'words'" in hint_text:
        return True
    return is_category(value, rules) if "'category'" in hint_text else is_code(value)
