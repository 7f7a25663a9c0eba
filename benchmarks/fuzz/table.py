"""Every target by its name."""

from collections.abc import Mapping
from types import MappingProxyType

from benchmarks.fuzz import doors, folders, messages, platforms, wires
from benchmarks.fuzz.target import Target

TARGETS: Mapping[str, Target] = MappingProxyType(
    messages.targets() | doors.targets() | wires.targets() | platforms.targets() | folders.targets()
)
