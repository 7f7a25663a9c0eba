"""Incoming: the features of one input that `decide` uses; never personal text."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import UNSET, Struct

from schemas import ids
from schemas.codec import Position
from schemas.records import Command, Features, InputRef, Message
from tickets.admission import LOCAL, UNPROVEN, Standing
from tickets.assembly import sms_parts

AT_ONCE = timedelta(seconds=1)
"""Shorter waits are not recorded in the log; hardly any message waits longer."""

_FORMS = ids.source_of("web", "")


class Earlier(Struct, frozen=True, kw_only=True):
    """Features of an earlier message that a command may use."""

    features: Features
    channel: str
    received_at: datetime
    proven: bool = True

    @classmethod
    def of(cls, message: Message) -> "Earlier":
        """Return the features of a message, as in `Incoming`."""
        at = min(message.received_at, message.ingested_at)
        return cls(features=message.features, channel=message.channel, received_at=at, proven=_is_proven(message))


class Incoming(Struct, frozen=True, kw_only=True):
    """One message or command in its turn. `at` is log time: when we took the message, when the command was given;
    `sent_at` is message time.

    `received_at` is when the citizen sent it, as far as that lies in the past; limits count from there.
    `has_rare_reference` is said of a part whose reference takes more than 8 bits: no telephone uses it again in a day.
    `within` is the ticket that a text which is compared again is filed in already.
    `appended_at` is when the broker took the input, as far as it tells.
    Anybody may be the sender of a message that is not `proven`: its telephone was typed into a web form.
    `has_files` is whether it brings any, but for the recording of a call.
    `earlier` are the filed messages that a command is about, as far as the input still has them.
    """

    id: str
    jurisdiction: str
    at: datetime
    received_at: datetime
    channel: str | None = None
    proven: bool = True
    position: Position
    appended_at: datetime | None = None
    features: Features
    sent_at: datetime
    has_rare_reference: bool = False
    has_files: bool = False
    command: Command | None = None
    standing: Standing = LOCAL
    within: str | None = None
    earlier: Mapping[str, Earlier] = MappingProxyType({})

    @classmethod
    def of_message(cls, message: Message, position: Position, appended_at: datetime | None = None) -> "Incoming":
        """Return the features of a message."""
        return cls(
            id=message.message_id,
            jurisdiction=message.jurisdiction,
            at=message.ingested_at,
            received_at=min(message.received_at, message.ingested_at),
            channel=message.channel,
            proven=_is_proven(message),
            position=position,
            appended_at=appended_at,
            features=message.features,
            sent_at=message.received_at,
            has_rare_reference=sms_parts.is_rare(message.part),
            has_files=bool(message.attachments) and not message.call,
        )

    @classmethod
    def of_command(
        cls,
        command: Command,
        position: Position,
        earlier: Sequence[Message] = (),
        appended_at: datetime | None = None,
        standing: Standing = LOCAL,
    ) -> "Incoming":
        """Return the features of a command."""
        return cls(
            id=command.command_id,
            jurisdiction=command.jurisdiction,
            at=command.at,
            received_at=command.at,
            position=position,
            appended_at=appended_at,
            features=Features(),
            sent_at=command.at,
            command=command,
            standing=standing,
            earlier={one.message_id: Earlier.of(one) for one in earlier},
        )

    @property
    def tokens(self) -> tuple[str, ...]:
        """Return the tickets that it names by signed tokens, the one that it answers first."""
        first, further = self.features.token, self.features.further_tokens
        return (*((first,) if first else ()), *(further or ()))

    @property
    def event_id(self) -> str:
        """Return the id of the decision: a command's id is its sender's choice and may be a message's as well."""
        if self.standing.unproven is not None:  # a forged command must not use up the id of a real one
            return f"{UNPROVEN}:{self.id}:{self.position.partition}:{self.position.offset}"
        return f"command:{self.id}" if self.command else self.id

    @property
    def ref(self) -> InputRef:
        """Return the reference that the event keeps."""
        topic, partition, offset = self.position
        name = {"command_id": self.id} if self.command else {"message_id": self.id}
        came = self.appended_at
        waited = came if came is not None and came - self.at > AT_ONCE else UNSET
        return InputRef(topic=topic, partition=partition, offset=offset, appended_at=waited, **name)


def _is_proven(message: Message) -> bool:
    """Return True if the channel proves the sender; any sender can type anything into a web form.

    The account of an app's user is the app's claim about who is logged in; an account that is only a telephone number
    proves no identity.
    """
    return not message.source.startswith(_FORMS) or (message.sender is not None and message.sender.kind == "uid")
