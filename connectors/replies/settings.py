"""What the operator says of answering back on one account; `[answers.ID]`, where ID is the account's."""

from pydantic import Field

from connectors.mailbox.settings import SmtpSettings
from connectors.replies.base import AT_ONCE_MOST
from schemas.settings_base import Section


class AnswerSettings(Section):
    """Receipts (回执) of one account; without this table it answers nobody."""

    enabled: bool = Field(True, description="Whether new tickets of this account get a receipt")
    max_age_hours: float = Field(
        24.0, gt=0, le=72, description="What a citizen wrote longer ago gets no receipt any more"
    )
    per_minute: int = Field(
        60, ge=1, le=6000, description="Receipts of this account a minute; the others wait, emergencies do not"
    )
    per_recipient_a_day: int = Field(
        5, ge=1, le=100, description="Receipts to one address or number in 24 hours; further ones are not sent"
    )
    at_once: int | None = Field(
        None,
        ge=1,
        le=AT_ONCE_MOST,
        description="Answers of this account on their way at a time, to as many citizens; the last of several is "
        "kept for emergencies. By default what the service bears: mailbox 4, CMPP and SMPP 8, WeChat and WeCom 4, "
        "Weibo 3",
    )
    smtp: SmtpSettings | None = Field(None, description="How mail leaves; a mailbox needs it")
