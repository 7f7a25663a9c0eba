"""Who works on a ticket: the office it went to, those it came back from, and who is proposed."""

from typing import Annotated

from schemas import enums
from schemas.fields import about
from schemas.records.common import Record, Time


class DispatchReturn(Record, frozen=True, kw_only=True):
    """退单: who had it gave it back."""

    reason_code: Annotated[str, about("Why the organizer is not responsible", "退单原因代码")]
    at: Annotated[Time, about("When it was given back", "退单时间", index="date")]
    organizer_code: Annotated[str | None, about("Code of who gave it back", "退单单位代码")] = None


class Dispatch(Record, frozen=True, kw_only=True):
    """派单: who is to deal with it."""

    organizer_code: Annotated[str | None, about("Code of the organizer", "主办单位代码")] = None
    organizer_name: Annotated[str | None, about("Who deals with it", "主办单位")] = None
    co_organizers: Annotated[tuple[str, ...], about("Who helps", "协办单位")] = ()
    dispatched_at: Annotated[Time | None, about("When it was dispatched", "派单时间", index="date")] = None
    rule_id: Annotated[str | None, about("Which rule proposed it", "派单规则")] = None
    dispatched_by: Annotated[str | None, about("Who dispatched it: an account", "派单人")] = None
    returns: Annotated[tuple[DispatchReturn, ...], about("Who gave it back, and why", "退单", index="object")] = ()


class DispatchProposal(Record, frozen=True, kw_only=True):
    """派单建议: who should deal with it by the city's directory; nothing is dispatched until a clerk does."""

    organizer_code: Annotated[str | None, about("Code of who should deal with it", "建议主办单位代码")] = None
    organizer_name: Annotated[str | None, about("Who should deal with it", "建议主办单位")] = None
    co_organizers: Annotated[tuple[str, ...], about("Codes of who should help", "建议协办单位代码")] = ()
    rule_id: Annotated[str | None, about("Which rule of the directory", "派单规则")] = None
    reason_code: Annotated[str | None, about("Why this one", "建议依据", words=enums.DISPATCH_REASONS)] = None
    excluded: Annotated[tuple[str, ...], about("Codes of who gave it back", "已退单单位")] = ()
    directory_version: Annotated[str | None, about("Which version of the directory's file", "派单目录版本")] = None
