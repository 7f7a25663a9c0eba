"""Whether an Asterisk's times, of its events or its file, are of the zone in the settings."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

FAR_SECONDS = 900
"""No two zones are nearer to one another."""

_SECOND = re.compile(r"(?:^|-)(\d{9,10})\.\d+$", re.ASCII)

_log = structlog.get_logger(__name__)


class ZoneCheck:
    """Of one account of a `kind`: a leg's id (uniqueid) holds the second in which the leg began, in UTC."""

    def __init__(self, kind: str, account: str, zone: ZoneInfo) -> None:
        self._kind = kind
        self._account = account
        self._zone = zone
        self._is_wrong = False

    def look(self, began: datetime | None, leg: str) -> None:
        """Log if a part of a leg begins before the leg does; once, and once again if it was right in between.

        Every time of every call would be as far off. A part may begin later than its leg, after a transfer.
        """
        named = _SECOND.search(leg)
        if began is None or named is None:
            return
        early = int(named[1]) - began.timestamp()
        was_wrong, self._is_wrong = self._is_wrong, early >= FAR_SECONDS
        if self._is_wrong and not was_wrong:
            setting = f"connectors.{self._kind}.{self._account}.timezone"
            _log.warning(
                "asterisk_zone_wrong",
                connector=self._account,
                hours_early=round(early / 3600, 2),
                sentence=f"its times are not {self._zone.key}: correct `{setting}`",
            )
