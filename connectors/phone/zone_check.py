"""Checks that an Asterisk's times, in events or its file, are in the configured time zone."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import structlog

FAR_SECONDS = 900
"""Seconds: two time zones differ by at least so much."""

_SECOND = re.compile(r"(?:^|-)(\d{9,10})\.\d+$", re.ASCII)

_log = structlog.get_logger(__name__)


class ZoneCheck:
    """Check of one account of a `kind`: a leg's id (uniqueid) holds the second in which the leg began, in UTC."""

    def __init__(self, kind: str, account: str, zone: ZoneInfo) -> None:
        self._kind = kind
        self._account = account
        self._zone = zone
        self._is_wrong = False

    def look(self, began: datetime | None, leg: str) -> None:
        """Log if a part of a leg begins before the leg; once, and again after correct times in between.

        All times of all calls have the same offset. A part may begin later than its leg, after a transfer.
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
