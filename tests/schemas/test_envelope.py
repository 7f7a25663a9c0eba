"""Times in headers: whatever a stranger's clock says, they are written, and read or refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec.structs import replace

from schemas.envelope import Envelope
from schemas.errors import MalformedError

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KNOWN = Envelope(id="1", source="/hotline/mailbox/mayor", type="cn.hotline12345.raw.v1", time=NOW, recordedtime=NOW)
ENDS = [datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), datetime.min.replace(tzinfo=timezone.max)]


@pytest.mark.parametrize("end", ENDS, ids=["last", "first"])
def test_a_time_beyond_the_calendar_is_written_as_it_is_and_refused_by_who_reads_it(end: datetime) -> None:
    headers = replace(KNOWN, time=end).headers()
    assert dict(headers)["ce_time"] == end.isoformat().encode()
    with pytest.raises(MalformedError, match="OverflowError"):
        Envelope.of(headers)
