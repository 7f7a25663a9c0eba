"""Fetch jobs of WeChat's raw messages: files by media id, and the messages behind a 微信客服 event."""

import tempfile
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import BinaryIO

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from obstore.store import ObjectStore

from connectors import metrics
from connectors.base import utc_now
from connectors.http import callback
from connectors.media_fetch.job import Errand, GivenUp, Publish, TooEarlyError
from connectors.wechat.api import Api, RefusalError
from connectors.wechat.download import Stopped, download
from connectors.wechat.kf_pull import CustomerMessages
from connectors.wechat.media_store import Shelf
from normalizers.awaited_media import awaited
from normalizers.base import File
from schemas.errors import PipelineError, RetriableError, TooLargeError, UnauthorizedError
from schemas.records import RawMessage, media, raw_message
from schemas.records.media import Media
from schemas.records.raw import SIZE_LIMIT

LIFE = timedelta(days=3)
"""Time in which the platform keeps a media id and a message of 微信客服."""

_SPOOL_BYTES = 1 << 20
"""Bytes of a file that are held in memory; larger files go to the disk."""

_GONE = frozenset({0, 40004, 40006, 40007, 41006, 45001, 46001})
"""Permanent refusals: unknown media id or type, too large for the platform, or on a foreign host."""


class Account(Struct, frozen=True):
    """One account: its API, and the puller of its 微信客服 by 客服账号ID."""

    api: Api
    customers: Callable[[str], CustomerMessages] | None = None
    open_kfids: tuple[str, ...] = ()


class WeChatErrands:
    """Plans the jobs of the fetcher; an account without a secret has no API and no jobs.

    `mute` are accounts of 企业微信 without a secret: if 微信客服 has messages for one of them, an operator must be
    informed.
    """

    def __init__(
        self,
        accounts: Mapping[str, Account],
        blobs: ObjectStore,
        now: Callable[[], datetime] = utc_now,
        limit: int = SIZE_LIMIT,
        stopped: Stopped = lambda: False,
        mute: Collection[str] = (),
    ) -> None:
        self._accounts = accounts
        self._mute = mute
        self._blobs = blobs
        self._now = now
        self._limit = limit
        self._stopped = stopped
        for why in ("expired", "refused", "too_large"):  # an alarm on the growth of this metric needs the initial 0
            metrics.MEDIA.labels("wechat", why)
        for name, outcome in product((*accounts, *mute), ("given_up", "failed")):
            metrics.ERRANDS.labels(name, outcome)
        self._customers: dict[tuple[str, str], CustomerMessages] = {}
        self._lock = threading.Lock()

    def __call__(self, raw: RawMessage) -> Sequence[Errand]:
        """Return the jobs of this message."""
        name = raw.envelope.account or ""
        account = self._accounts.get(name)
        if raw.channel != "wechat":
            return ()
        if account is None:
            return (MuteErrand(name, raw.envelope.time + LIFE),) if name in self._mute and _announced(raw) else ()
        files = [self._file(raw, file, account.api) for file in awaited(raw)]
        return files or self._behind(raw, account)

    def sweep(self) -> Sequence[Errand]:
        """Return the jobs that need no callback."""
        until = self._now() + LIFE
        return [
            CustomerErrand(name, f"sweep:{name}:{kfid}", messages, messages.announced(), until)
            for name, account in self._accounts.items()
            if account.customers is not None
            for kfid in account.open_kfids
            for messages in (self._customer(name, account.customers, kfid),)
        ]

    def _file(self, raw: RawMessage, file: File, api: Api) -> "FileErrand":
        return FileErrand(raw, file, api, self._blobs, self._now, self._limit, self._stopped)

    def _behind(self, raw: RawMessage, account: Account) -> Sequence[Errand]:
        """Return the job of an event that only announces messages."""
        fields = _announced(raw)
        if account.customers is None or not fields:
            return ()
        name = raw.envelope.account or ""
        messages = self._customer(name, account.customers, fields["OpenKfId"])
        age = (self._now() - raw.envelope.recordedtime).total_seconds()
        announced = messages.announced(fields.get("Token", ""), age)
        return (CustomerErrand(name, raw.message_id, messages, announced, _until(raw)),)

    def _customer(self, name: str, make: Callable[[str], CustomerMessages], kfid: str) -> CustomerMessages:
        with self._lock:
            if (name, kfid) not in self._customers:
                self._customers[name, kfid] = make(kfid)
            return self._customers[name, kfid]


def _announced(raw: RawMessage) -> Mapping[str, str]:
    """Return the fields of an event that announces messages of 微信客服; empty for any other record."""
    if b"kf_msg_or_event" not in raw.value:
        return {}
    fields = callback.parse(raw.value) or {}
    return fields if fields.get("Event") == "kf_msg_or_event" and fields.get("OpenKfId") else {}


class MuteErrand:
    """Complains about an account without a secret, and waits, so that its messages are fetched once a secret is set."""

    keeps = False

    def __init__(self, account: str, deadline: datetime) -> None:
        self.account = account
        self.name = f"mute:{account}"  # one complaint for all events
        self.deadline = deadline

    def run(self, publish: Publish, *, last: bool) -> None:
        """Raise UnauthorizedError, because only an operator can help; raise GivenUp at the last try."""
        fault = UnauthorizedError("微信客服 has messages that need `secret` to be fetched: set it within three days")
        raise GivenUp(fault) if last else fault


class CustomerErrand:
    """Pulls all new messages of one 客服账号; `announced` as in `CustomerMessages.announced`."""

    keeps = False

    def __init__(
        self, account: str, name: str, messages: CustomerMessages, announced: float, deadline: datetime
    ) -> None:
        self.account = account
        self.name = name
        self.deadline = deadline
        self._messages = messages
        self._announced = announced

    def run(self, publish: Publish, *, last: bool) -> None:
        """Pull; after three days the messages of this event have expired, and the next event pulls the others."""
        try:
            self._messages.pull(publish, self._announced)
        except TooEarlyError:
            if not last:
                raise
        except (RetriableError, UnauthorizedError) as error:
            if last and not self._messages.stopped():
                raise GivenUp(error) from error
            raise


class FileErrand:
    """Fetches one file of one message: stores it in the message's folder, or records that it is unavailable."""

    keeps = True

    def __init__(
        self,
        raw: RawMessage,
        file: File,
        api: Api,
        blobs: ObjectStore,
        now: Callable[[], datetime],
        limit: int,
        stopped: Stopped,
    ) -> None:
        self.account = raw.envelope.account or ""
        self.deadline = _until(raw)
        self._raw = replace(raw, value=b"")  # a hundred thousand jobs may wait
        self._file = file
        self._id = file.media_id or ""
        self.name = media.identifier(raw.message_id, self._id)
        self._api = api
        self._shelf = Shelf(blobs, raw.jurisdiction, raw.message_id)
        self._now = now
        self._limit = limit
        self._stopped = stopped
        self._fault: PipelineError | None = None

    def run(self, publish: Publish, *, last: bool) -> None:
        """Fetch once, also across crashes: the outcome is stored before it is published."""
        if self._shelf.is_erased:
            return self._count("erased")
        fate = self._shelf.fate(self._id)
        if fate is None:
            fate = self._fetched(last)
            if fate is None:
                return self._count("erased")
            self._count(fate.unavailable or "stored")
        publish([self._record(fate)])
        if self._fault is not None:  # the account still has the error
            raise GivenUp(self._fault)
        return None

    def _fetched(self, last: bool) -> Media | None:
        """Return the outcome of the file; None if its message was erased meanwhile."""
        with tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
            fate = self._asked(spool, last)  # type: ignore[arg-type] # a file, but not in typeshed
            return fate if self._shelf.keep(fate, spool) else None  # type: ignore[arg-type] # as above

    def _asked(self, into: BinaryIO, last: bool) -> Media:
        self._fault = None
        try:
            came = download(self._api, self._id, into, limit=self._limit, stopped=self._stopped)
        except TooLargeError:
            return self._never("too_large")
        except RefusalError as refusal:
            if refusal.errcode not in _GONE:
                if not last:
                    raise
                self._fault = refusal
            return self._never("expired" if last or self._is_old() else "refused", refusal.errcode)
        except Exception as error:  # any error: after the deadline the message must not wait for ever
            if not last or self._stopped():
                raise
            self._fault = error if isinstance(error, PipelineError) else None
            return self._never("expired")
        return Media(
            message_id=self._raw.message_id,
            media_id=self._id,
            media_type=came.media_type,
            size=came.size,
            sha256=came.sha256,
            dataref=self._shelf.path(came.sha256),
        )

    def _is_old(self) -> bool:
        return self._now() - self._raw.envelope.time >= LIFE

    def _never(self, why: str, errcode: int | None = None) -> Media:
        return Media(
            message_id=self._raw.message_id,
            media_id=self._id,
            media_type=self._file.media_type,
            unavailable=why,
            code=str(errcode) if errcode else None,
        )

    def _record(self, fate: Media) -> RawMessage:
        """Return the record that follows the message; with its conversation and sender, so that it stays behind it."""
        return raw_message(
            channel=self._raw.channel,
            channel_kind=self._raw.envelope.channelkind or self._raw.channel,
            account=self.account,
            jurisdiction=self._raw.jurisdiction,
            identifier=self.name,
            value=msgspec.json.encode(fate),
            content_type=media.CONTENT_TYPE,
            time=self._raw.envelope.time,
            recorded=self._now(),
            sender=self._raw.envelope.sender,
            conversation=self._raw.conversation,
        )

    def _count(self, outcome: str) -> None:
        metrics.MEDIA.labels(self._raw.channel, outcome).inc()
        if outcome == "stored":
            waited = (self._now() - self._raw.envelope.recordedtime).total_seconds()
            metrics.MEDIA_SECONDS.labels(self._raw.channel).observe(max(0.0, waited))


def _until(raw: RawMessage) -> datetime:
    """Return the deadline; counted from the intake, so a late message gets as many tries as any other."""
    return max(raw.envelope.time, raw.envelope.recordedtime) + LIFE
