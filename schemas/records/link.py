"""Link: which ticket a message was filed in, why, and by whom; every link can be undone."""

from typing import Annotated

from schemas import enums
from schemas.fields import about
from schemas.records.common import Record, Time


class Link(Record, frozen=True, kw_only=True):
    """归单关系: message to ticket, with the reason; null when the message makes no ticket."""

    message_id: Annotated[str, about("The message", "来件标识")]
    jurisdiction: Annotated[str, about("Adcode of the city", "行政区划代码")]
    ticket_id: Annotated[str | None, about("Its ticket, null for no_ticket", "工单标识")] = None
    relation: Annotated[str, about("Why it is filed there", "关系", words=enums.RELATIONS)]
    method: Annotated[str | None, about("Which test decided", "判定方法")] = None
    score: Annotated[float, about("How sure, 0 to 1", "置信度", index="double")] = 1.0
    evidence: Annotated[tuple[str, ...], about("Codes and ids, never text", "判定依据")] = ()
    decided_by: Annotated[str, about("assign, or a person", "判定者")] = "assign"
    decided_at: Annotated[Time, about("Log time of the decision", "判定时间", index="date")]
    policy_version: Annotated[str, about("Version of the policy that decided", "策略版本")]
    version: Annotated[int, about("Grows with each decision about this message", "版本", index="long")] = 1
    undone: Annotated[bool, about("Taken back by a person", "已撤销", index="boolean")] = False
