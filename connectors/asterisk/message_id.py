"""What names an event of a call, and which events are worth keeping: the same for all who watch one Asterisk."""

import re
from collections import OrderedDict

from pydantic import SecretStr

from connectors.asterisk.settings import AsteriskSettings
from connectors.message_id import digest_of
from normalizers.phone import ami, cdr

_MARKS = frozenset({"CHAN_START", "ANSWER", "LINKEDID_END"})
"""Of the many channel events (CEL) of a call: when it came, was answered and ended."""

_PLAIN = re.compile(r"[\w.:-]{1,100}", re.ASCII)


class Calls:
    """Which call a leg belongs to, learnt from events that say so: a Cdr event only does where it is configured."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._linked: OrderedDict[str, str] = OrderedDict()

    def learn(self, frame: ami.Frame) -> None:
        """Remember what an event says of its leg."""
        leg, call = frame.word("uniqueid"), frame.word("linkedid")
        if leg and call:
            self._linked[leg] = call
            self._linked.move_to_end(leg)
            if len(self._linked) > self._most:
                self._linked.popitem(last=False)

    def unsaid(self, frame: ami.Frame) -> str | None:
        """Return the call of an event that does not name it itself."""
        call = self._linked.get(frame.word("uniqueid")) if not frame.word("linkedid") else None
        return call if call is not None and _PLAIN.fullmatch(call) else None


def is_kept(frame: ami.Frame, settings: AsteriskSettings) -> bool:
    """Say whether an event is published: of legs only the first, of a channel's life only the marks."""
    if frame.event not in settings.events or not frame.call_id:
        return False
    is_first_leg = frame.word("uniqueid") == frame.call_id
    if frame.event == "CEL":
        name = frame.word("eventname")
        return name in _MARKS and (is_first_leg or name == "LINKEDID_END")
    if frame.event == "Hangup":
        return is_first_leg
    if frame.event == "UserEvent":
        return not settings.user_events or frame.word("userevent") in settings.user_events
    return True


def identifier(frame: ami.Frame, value: bytes, call: str | None, key: SecretStr | None) -> str:
    """Return the event's own name: its call, and what tells it from the call's other events."""
    named, leg = call or frame.call_id, frame.word("uniqueid")
    if frame.event == "Cdr":
        return f"{named}:cdr:{cdr.key(ami.as_row(frame))}"
    if frame.event == "CEL":
        return f"{named}:cel:{frame.word('eventname')}:{leg}"
    if frame.event == "Hangup":
        return f"{named}:hangup:{leg}"
    return f"{named}:user:{digest_of(value, key)[:16]}"
