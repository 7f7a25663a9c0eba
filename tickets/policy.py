"""What a decision may depend on besides the state and the input."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from normalizers.policy import Policy
from schemas.errors import MisconfiguredError
from tickets import policies
from tickets.answers import AnswerPolicy
from tickets.calendars import calendars
from tickets.deadlines import Limits, limits
from tickets.directory import Directories, directories

DEMO_QUERY_KEY = b"hotline demo query key: refused outside of try and demo"


class NearPolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When two messages are about the same matter: `policies/near/near.toml`."""

    link: float
    propose: float
    same_person: float
    restricted: tuple[str, ...]
    max_candidates: int
    least_shared: float
    newest: int
    contradicted: Annotated[float, Meta(ge=0, le=1)]
    copy_share: Annotated[float, Meta(gt=0, lt=1)]
    copy_grams: Annotated[int, Meta(gt=0)]
    max_unshared: float
    max_unshared_whole: float
    weights: Mapping[str, float]
    parallel_share: Annotated[float, Meta(gt=0, le=1)] = 0.7
    parallel_share_of_equals: Annotated[float, Meta(gt=0, le=1)] = 0.5
    parallel_share_of_words: Annotated[float, Meta(gt=0, le=1)] = 0.55
    retold_share: Annotated[float, Meta(gt=0, le=1)] = 0.4
    anew_share: Annotated[float, Meta(ge=0, le=1)] = 0.2
    propose_short: float = 1.0

    def least_to_propose(self, *, is_short: bool) -> float:
        """Return from which score two messages are proposed; what is short and has no title shares few words."""
        return min(self.propose, self.propose_short) if is_short else self.propose

    def is_restricted(self, codes: Iterable[str]) -> bool:
        """Say whether one of these codes keeps a ticket from being joined to others by itself."""
        whole = tuple(code for code in self.restricted if code.endswith("."))
        return any(code in self.restricted or code.startswith(whole) for code in codes)


@cache
def near_policy(folder: Path | None = None) -> NearPolicy:
    """Return the policy in `near/near.toml`, the city's own where its folder has one.

    Raises MisconfiguredError for a file that names what there is not, or lacks what there must be.
    """
    try:
        return msgspec.convert(policies.read("near", folder)["near"], NearPolicy)
    except msgspec.ValidationError as error:
        raise MisconfiguredError(f"The policy near/near.toml does not fit: {error}.") from error


@cache
def limits_of(folder: Path | None = None) -> Limits:
    """Return the time limits in a city's own folder, over ours. Raises MisconfiguredError for files that do not fit."""
    return limits(policies.read("deadlines", folder), calendars(policies.read("calendars", folder)))


@cache
def directories_of(folder: Path | None = None) -> Directories:
    """Return the directories of dispatch in a city's own folder, over ours. Raises MisconfiguredError."""
    return directories(policies.read("dispatch", folder))


class TicketPolicy(Struct, frozen=True, kw_only=True):
    """The rules of one deployment; a change of rules is a new `version`."""

    version: str = "2026.1"
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
    rules_folder: Path | None = None
    limits: Limits = field(default_factory=limits_of)
    directories: Directories = field(default_factory=directories_of)
    answers: AnswerPolicy = field(default_factory=AnswerPolicy)
