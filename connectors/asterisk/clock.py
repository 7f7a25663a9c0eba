"""Whether an Asterisk's times are of the zone that we were told: a leg's id holds the second in which it began."""

import re
from zoneinfo import ZoneInfo

import structlog

from normalizers.phone import ami, values

FAR_SECONDS = 900
"""No two zones are nearer to one another."""

_SECOND = re.compile(r"(?:^|-)(\d{9,10})\.\d+$", re.ASCII)

_log = structlog.get_logger(__name__)


class Clock:
    """Of one account; says once that something is wrong, and once again when it was right in between."""

    def __init__(self, account: str, zone: ZoneInfo) -> None:
        self._account = account
        self._zone = zone
        self._is_wrong = False

    def look(self, frame: ami.Frame) -> None:
        """See that no part of a leg begins before the leg does; it may begin later, after a transfer.

        Every time of every call would be as far off. So it is of a PBX that lives in UTC, where China's is expected.
        """
        began = values.time_of(frame.word("starttime"), self._zone)
        named = _SECOND.search(frame.word("uniqueid"))
        if began is None or named is None:
            return
        early = int(named[1]) - began.timestamp()
        was_wrong, self._is_wrong = self._is_wrong, early >= FAR_SECONDS
        if self._is_wrong and not was_wrong:
            _log.warning(
                "asterisk_zone_wrong",
                connector=self._account,
                hours_early=round(early / 3600, 2),
                sentence=f"its times are not {self._zone.key}: correct `connectors.asterisk.{self._account}.timezone`",
            )
