"""Call: what one record of a telephone call tells; part of a Message."""

from typing import Annotated

from schemas import enums
from schemas.fields import about
from schemas.records.common import Record, Time


class Recording(Record, frozen=True, kw_only=True):
    """录音: where the sound of a call lies; the bytes stay there."""

    reference: Annotated[str, about("Path or address in the platform's own store", "录音位置", pii=1, index="none")]
    state: Annotated[str | None, about("What was found there", "录音状态", words=enums.RECORDING_STATES)] = None
    size: Annotated[int | None, about("Bytes, where they are known", "录音大小", index="long")] = None


class Call(Record, frozen=True, kw_only=True):
    """通话记录: one revision of a call's record; later ones complete it."""

    platform: Annotated[str, about("Which platform's call ids are meant", "通话平台")]
    call_id: Annotated[str, about("The platform's own name of the call", "通话标识", pii=1)]
    revision: Annotated[int, about("Later records of a call have greater ones", "修订号", index="long")] = 0
    direction: Annotated[str, about("Who called whom", "通话方向", words=enums.CALL_DIRECTIONS)] = "inbound"
    started_at: Annotated[Time | None, about("When it rang", "来电时间", index="date")] = None
    answered_at: Annotated[Time | None, about("When it was answered", "接通时间", index="date")] = None
    ended_at: Annotated[Time | None, about("When it ended", "挂机时间", index="date")] = None
    disposition: Annotated[str | None, about("How it went", "通话结果", words=enums.CALL_DISPOSITIONS)] = None
    agent: Annotated[str | None, about("Who answered: a staff number", "坐席", pii=1)] = None
    subject: Annotated[str | None, about("Title that the agent gave it", "诉求标题", pii=1, index="words")] = None
    note: Annotated[str, about("What the agent wrote", "坐席记录", pii=2, index="none")] = ""
    transcript: Annotated[str, about("What speech recognition heard", "通话转写", pii=2, index="none")] = ""
    recordings: Annotated[tuple[Recording, ...], about("Its recordings", "录音", index="none")] = ()
