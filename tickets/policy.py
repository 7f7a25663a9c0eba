"""What a decision may depend on besides the state and the input."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from normalizers.base import Policy
from normalizers.enrich.confidentiality import LEVELS, level_of
from normalizers.rules import DEFAULT_RULES, Rules, part
from schemas.errors import MisconfiguredError
from tickets import policies
from tickets.admission import CommandKeys
from tickets.model.ticket_state import TicketState
from tickets.receipts.policy import AnswerPolicy
from tickets.routing.directory import Directories, directories
from tickets.sla.calendar import Calendar, calendars
from tickets.sla.deadlines import Limits, limits

RESTRICTED = LEVELS[-1]
DEMO_QUERY_KEY = b"hotline demo query key: refused outside of try and demo"


SIGNS = (
    "names", "names_share", "names_across", "names_in_texts", "unshared", "objects", "objects_across",
    "objects_unshared", "other_matter", "copied", "other_area", "other_place", "no_name", "papers", "agreed",
)  # fmt: skip
"""What speaks for and against, each with a weight in the policy; in the order of `Question.judge`."""

YOUNGER_SIGNS = MappingProxyType({"papers": 0.0, "agreed": 0.0})
"""What a city's own file may be older than: there it weighs nothing."""

Share = Annotated[float, Meta(ge=0, le=1)]


class NearPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When two messages are about the same matter: `policies/near/near.toml`."""

    version: policies.Version = policies.UNVERSIONED
    link: Share
    propose: Share
    same_person: Share
    restricted: tuple[str, ...]
    max_candidates: Annotated[int, Meta(ge=1)]
    least_shared: Annotated[float, Meta(ge=0)]
    newest: Annotated[int, Meta(ge=0)]
    contradicted: Share
    copy_share: Annotated[float, Meta(gt=0, lt=1)]
    copy_grams: Annotated[int, Meta(gt=0)]
    max_unshared: float
    max_unshared_whole: float
    weights: Mapping[str, float]
    parallel_share: Annotated[float, Meta(gt=0, le=1)] = 0.7
    parallel_share_of_equals: Annotated[float, Meta(gt=0, le=1)] = 0.5
    parallel_share_of_words: Annotated[float, Meta(gt=0, le=1)] = 0.55
    retold_share: Annotated[float, Meta(gt=0, le=1)] = 0.4
    anew_share: Share = 0.2
    filled_in_share: Share = 0.1
    stranger_score: Share = 0.5
    claim_score: Share = 0.2
    adds_score: Share = 0.3
    propose_short: Share = 1.0
    of_the_most: Share = 0.5
    at_once_minutes: Annotated[int, Meta(ge=0, le=7 * 24 * 60)] = 60
    comes_back_days: Annotated[int, Meta(ge=0, le=366)] = 14
    short_grams: Annotated[int, Meta(ge=0)] = 40
    max_supplemented: Annotated[int, Meta(ge=0)] = 3
    one_day_hours: Annotated[int, Meta(ge=0, le=7 * 24)] = 48
    max_members: Annotated[int, Meta(ge=1)] = 8
    parallel_inserted: Annotated[int, Meta(ge=0)] = 2
    parallel_lengths: Annotated[int, Meta(ge=0)] = 2
    parallel_stretch: Annotated[int, Meta(ge=0)] = 12

    @property
    def at_once(self) -> timedelta:
        """So long somebody goes on with what they just said, and a place alone tells where that is."""
        return timedelta(minutes=self.at_once_minutes)

    @property
    def one_day(self) -> timedelta:
        """So long equal words of one person tell of the same day, whatever 昨晚 is by then."""
        return timedelta(hours=self.one_day_hours)

    @property
    def comes_back(self) -> timedelta:
        """So long a citizen who was sent on to another line is expected back, or passed on by that line."""
        return timedelta(days=self.comes_back_days)

    def least_to_propose(self, *, is_short: bool) -> float:
        """Return from which score two messages are proposed; what is short and has no title shares few words."""
        return min(self.propose, self.propose_short) if is_short else self.propose

    def is_restricted(self, codes: Iterable[str]) -> bool:
        """Return True if one of these codes keeps a ticket from being joined to others by itself."""
        whole = tuple(code for code in self.restricted if code.endswith("."))
        return any(code in self.restricted or code.startswith(whole) for code in codes)


@part("near")
def near_policy(rules: Rules = DEFAULT_RULES) -> NearPolicy:
    """Return the policy in `near/near.toml`, the city's own where its folder has one.

    Raises MisconfiguredError for a file that names what there is not, or lacks what there must be.
    """
    try:
        policy = msgspec.convert(policies.read("near", rules)["near"], NearPolicy)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"The policy near/near.toml is invalid: {error}.") from error
    if strange := sorted({*YOUNGER_SIGNS, *policy.weights} ^ {"bias", *SIGNS}):
        raise MisconfiguredError(f"The policy near/near.toml is invalid: correct {', '.join(strange)} in [weights].")
    return policy


@part("deadlines", "calendars")
def limits_of(rules: Rules = DEFAULT_RULES) -> Limits:
    """Return the time limits in a city's own rules, over ours. Raises MisconfiguredError for files that do not fit."""
    return limits(policies.read("deadlines", rules), calendars(policies.read("calendars", rules)))


def calendars_of(rules: Rules = DEFAULT_RULES) -> dict[str, Calendar]:
    """Return the calendars of working days in a city's own rules, over ours. Raises MisconfiguredError."""
    return calendars(policies.read("calendars", rules))


@part("dispatch")
def directories_of(rules: Rules = DEFAULT_RULES) -> Directories:
    """Return the directories of dispatch in a city's own rules, over ours. Raises MisconfiguredError."""
    return directories(policies.read("dispatch", rules))


@part()
def version_of(rules: Rules = DEFAULT_RULES) -> str:
    """Return what decisions by the rules of a city's own rules, over ours, say that they were made by.

    It is the version in `near.toml` and a digest of every file (`2026.12-3f9c01ab`): any change of one is another.
    Raises MisconfiguredError as `near_policy` does.
    """
    return f"{near_policy(rules).version}-{policies.digest(rules)}"


class TicketPolicy(Struct, frozen=True, kw_only=True):
    """The rules of one deployment; a change of rules is a new `version`."""

    version: str = field(default_factory=version_of)
    query_key: bytes = DEMO_QUERY_KEY
    near: NearPolicy = field(default_factory=near_policy)
    evict_after: timedelta = timedelta(days=90)
    max_text_characters: int = 20_000
    max_attachments: int = 100
    max_identities: int = 20
    max_proposals: int = 50
    max_edges: int = 50
    max_cluster_moves: int = 5_000
    max_history: int = 20
    lineage_messages: int = 20
    joining: Policy = field(default_factory=Policy)
    rules: Rules = DEFAULT_RULES
    limits: Limits = field(default_factory=limits_of)
    directories: Directories = field(default_factory=directories_of)
    answers: AnswerPolicy = field(default_factory=AnswerPolicy)
    command_keys: CommandKeys | None = None

    def is_restricted(self, codes: Iterable[str]) -> bool:
        """Return True if these codes of messages keep a ticket from being joined to others by itself.

        They do if they give the level `restricted` (`confidentiality.toml`) or stand in the list of `near.toml`. Two
        lists alone drifted apart: tickets that an accused official made restricted were joined.
        """
        there = tuple(codes)
        return self.near.is_restricted(there) or level_of(there, self.rules)[0] == RESTRICTED

    def keeps_apart(self, ticket: TicketState) -> bool:
        """Return True if a ticket is joined to no other by itself: a clerk's word on its level counts."""
        return ticket.confidentiality == RESTRICTED or self.near.is_restricted(ticket.codes_that_stand())
