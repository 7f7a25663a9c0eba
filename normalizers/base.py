"""Draft: what one channel's normalizer makes of the bytes; `normalize` completes it into a Message."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct, field

from normalizers.rules import DEFAULT_RULES, Rules
from schemas.records import Call, Finding, Part, Party, Thread

UNANSWERABLE = "unanswerable"
"""In `extra`: the sender's system says that no machine may answer; the value is the sign that says so."""


class File(Struct, frozen=True, kw_only=True):
    """One attachment: its bytes, or the channel's `media_id` where they still have to be fetched.

    Of one that was fetched before, `size`, `sha256` and `dataref` say where it lies, or `unavailable` why it does not.
    """

    name: str | None = None
    media_type: str = "application/octet-stream"
    data: bytes | None = None
    media_id: str | None = None
    size: int | None = None
    sha256: str | None = None
    dataref: str | None = None
    unavailable: str | None = None

    @property
    def is_awaited(self) -> bool:
        """Say whether its bytes have yet to be fetched from the channel."""
        return self.media_id is not None and self.data is None and self.dataref is None and self.unavailable is None


class Draft(Struct, frozen=True, kw_only=True):
    """The channel's share of a Message: text as written, quoted text and signature split off, files with bytes.

    `passed_on` is the text of attached mails, `in_files` that of attached texts and invitations: neither is the
    citizen's own, so both are only screened for emergencies.
    `answers_nothing` says that the thread's references are names of this very message, which comes by another way too.
    `known_as` holds further thread ids of its own: what comes another way, and later, may call it by them.
    `completes` is the message that these files belong to: they came later than it did.
    `newest_at` is the newest time that any clock on its way tells of, where there are several.
    `findings` holds what the channel itself says (kind, category, place), with source `channel`. The optional
    overrides are for neutral records, which name their own time, channel and account.
    """

    message_class: str = "person"
    channel: str | None = None
    channel_kind: str | None = None
    account: str | None = None
    sender: Party | None = None
    recipients: tuple[Party, ...] = ()
    thread: Thread = field(default_factory=Thread)
    known_as: tuple[str, ...] = ()
    answers_nothing: bool = False
    part: Part | None = None
    call: Call | None = None
    title: str | None = None
    text: str = ""
    quoted: str | None = None
    signature: str | None = None
    passed_on: str | None = None
    in_files: str | None = None
    files: tuple[File, ...] = ()
    completes: str | None = None
    findings: tuple[Finding, ...] = ()
    received_at: datetime | None = None
    newest_at: datetime | None = None
    extra: dict[str, str] = field(default_factory=dict)


# What a normalizer may depend on besides the bytes: keys and limits, handed in, never read from the world.

DEMO_KEY_ID = "demo"
DEMO_KEY = b"hotline demo key: refused outside of try and demo"
"""The fixed requester key of `hotline try` and `hotline demo`; `hotline check` refuses it elsewhere."""


class CategoryModel(Protocol):
    """A city's own model of its categories."""

    def category(self, title: str, text: str) -> Finding | None:
        """Return the most probable category of a folded message, None when the model is not sure enough."""


class PlaceModel(Protocol):
    """A city's own model of its addresses."""

    def findings(self, address: str, at: int | None) -> Iterable[Finding]:
        """Return what an address names, from left to right; it begins at `at`, if it stands in a text."""


class Policy(Struct, frozen=True, kw_only=True):
    """Keys and limits of one deployment.

    `requester_keys` maps key id to HMAC key, newest first: new hashes use the first, older ones still match.
    Sizes are in bytes of UTF-8 (`max_text_bytes`) or counts. `rules` are the city's, compiled; `category_model` and
    `place_model` are what the city learned from its own archive.
    """

    requester_keys: Mapping[str, bytes] = MappingProxyType({DEMO_KEY_ID: DEMO_KEY})
    max_text_bytes: int = 64 * 1024
    max_grams: int = 256
    stale_after_seconds: float = 24 * 60 * 60
    rules: Rules = DEFAULT_RULES
    category_model: CategoryModel | None = None
    place_model: PlaceModel | None = None
