"""What a developer says of a new connector, and the names that cannot be had."""

import builtins
import keyword
import re

from msgspec import Struct

from connectors.registry import entries
from hotline.dev.scaffold import Kind
from schemas import enums, topics
from schemas.errors import MisconfiguredError

LONGEST_NAME = 24
_NAME = re.compile(rf"(?=.{{1,{LONGEST_NAME}}}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")
_CHINESE = re.compile(r"\w{1,12}")


class NewConnector(Struct, frozen=True, kw_only=True):
    """A connector as it is asked for: `channel` is its own name, or that of a channel into which it is another way."""

    name: str
    kind: Kind
    chinese: str
    channel: str

    @property
    def is_a_channel(self) -> bool:
        """Say whether it brings a channel of its own."""
        return self.channel == self.name

    @property
    def class_name(self) -> str:
        """Return the name of its class."""
        return "".join(map(str.capitalize, self.name.split("_")))

    @property
    def title(self) -> str:
        """Return its name as people read it."""
        return self.name.replace("_", " ").capitalize()


def asked(name: str, kind: Kind, chinese: str, channel: str | None) -> NewConnector:
    """Return the connector that is asked for; raises MisconfiguredError for a name that it cannot have."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or hasattr(builtins, name):
        raise MisconfiguredError(
            f"{name} cannot name a file, a setting and a topic: write at most {LONGEST_NAME} characters in "
            "lower_snake_case, such as kiosk, and no Python keyword."
        )
    if not _CHINESE.fullmatch(chinese):
        raise MisconfiguredError(f"{chinese} is not a Chinese name: write at most 12 characters, such as 自助终端.")
    if name in {*dict(entries()), *topics.CHANNELS}:
        raise MisconfiguredError(f"There is a connector or a channel {name}: choose another name.")
    if channel is None and topics.raw(name) in topics.TOPICS:
        raise MisconfiguredError(f"{topics.raw(name)} is the name of another topic: choose another name.")
    if channel is None and chinese in enums.CHANNELS.values():
        raise MisconfiguredError(f"There is a channel {chinese}: name it with --channel, or choose another word.")
    return NewConnector(name=name, kind=kind, chinese=chinese, channel=channel or name)
