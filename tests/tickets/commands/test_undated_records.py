"""A record that does not tell the day of its call goes with a call that was forgotten or redacted before it came."""

from typing import Any

from tests.rows import each_row
from tests.tickets.commands.test_coming_again import CALLER, DAY, HEARD, OTHER, gone_of, is_kept_out, order, same
from tests.tickets.records_of_calls import LAMP, Calls
from tickets.codes import AFTER_REDACTION
from tickets.deciders import redelivery


@each_row(
    ("caller", "days", "told", "is_of_it"),
    [
        ("", 0.1, {}, True),
        ("", 0.1, {"caller": CALLER}, True),
        (CALLER, 0.1, {}, True),
        (CALLER, 1.9, {"caller": CALLER}, True),
        (CALLER, 0.1, {"caller": OTHER}, False),
        (CALLER, 0.1, {"caller": CALLER, "started_at": "2026-12-03T09:00:00+08:00"}, False),
        (CALLER, 2.1, {}, False),
    ],
)
@each_row("kind", ["forget", "redact"])
def test_a_record_without_its_day_goes_as_well_though_the_call_was_days_before_the_order(
    kind: str, caller: str, days: float, told: dict[str, Any], is_of_it: bool
) -> None:
    calls = Calls()
    calls.tell(revision=1, note=LAMP, caller=caller)
    order(calls, kind, 8 * DAY, ticket=calls.ticket.ticket_id, **({"fields": ["text"]} if kind == "redact" else {}))
    late = calls.tell((8 + days) * DAY, revision=2, transcript=HEARD, **told)
    if not is_of_it:
        assert late.method not in (redelivery.METHOD, AFTER_REDACTION)
        assert gone_of(late) == []
    elif kind == "forget":
        assert is_kept_out(late)
    else:
        assert (late.method, gone_of(late)) == (AFTER_REDACTION, [late.input.message_id])
        assert calls.ticket.text == ""
    same(calls)
