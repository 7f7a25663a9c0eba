"""Deadlines (办结时限): whether each clock runs out when a person says it does.

A row has `at`, when its clock starts, and `due`, when it has to run out: a time (Chinese time without an offset), for
`due` also a day alone, or `none` where no limit is. The limit is the one whose id is `policy`, with so much `extension`
(延期) of its own unit; else what the city (`jurisdiction`) has for the `clock` (`resolve` without one) and for
`channel`, `kind`, `category` and `emergency` (`true`).
"""

from collections import Counter
from datetime import datetime
from typing import Literal

from hotline.quality.evaluate.figures import Figure, share
from hotline.quality.evaluate.findings import JURISDICTION
from hotline.quality.evaluate.labelled import Paths, Row, rows, told
from normalizers.rules import DEFAULT_RULES, Rules
from schemas.errors import MisconfiguredError
from schemas.ids import SHANGHAI
from schemas.records.ticket import Deadline
from tickets.policy import limits_of
from tickets.sla.deadlines import Limits, Matter

NONE = "none"
_DAY_ALONE = len("2026-02-25")
_TOLD = 5

Verdict = Literal["right", "early", "late", "missing", "needless"]


def measure(paths: Paths, rules: Rules = DEFAULT_RULES) -> list[Figure]:
    """Compute every row's deadline and compare it with the label.

    Raises MisconfiguredError for files without rows, and for a row that is unreadable or names an unknown limit.
    """
    limits = limits_of(rules)
    found = [(str(row["id"]), deadline, _verdict(row, deadline)) for row, deadline in _reckoned(paths, limits)]
    if not found:
        raise MisconfiguredError(f"{told(paths)} has no rows: give `at`, `due` and the fields that choose the limit.")
    counted = Counter(verdict for *_, verdict in found)
    wrong = [name for name, _, verdict in found if verdict != "right"]
    which = f" ({', '.join(wrong[:_TOLD])}{', …' if len(wrong) > _TOLD else ''})" if wrong else ""
    provisional = sum(deadline is not None and deadline.provisional for _, deadline, _ in found)
    return [
        Figure(name="rows", value=len(found), meaning="deadlines"),
        Figure(name="accuracy", value=share(counted["right"], len(found)), meaning="of these, how many are right"),
        Figure(name="wrong", value=len(wrong), meaning=f"deadlines that are not{which}"),
        Figure(name="early", value=counted["early"], meaning="run out before they should"),
        Figure(name="late", value=counted["late"], meaning="run out after they should"),
        Figure(name="missing", value=counted["missing"], meaning="should be there, and no limit is for it"),
        Figure(name="needless", value=counted["needless"], meaning="should not be there"),
        Figure(name="provisional", value=provisional, meaning="reach into a year whose calendar is not known"),
    ]


def _reckoned(paths: Paths, limits: Limits) -> list[tuple[Row, Deadline | None]]:
    made = []
    for row in rows(paths, needed="due"):
        if row.get("policy") and not limits.knows(str(row["policy"])):
            raise MisconfiguredError(f"Row {row['id']}: unknown `policy`: see tickets/policies/deadlines.")
        try:
            made.append((row, _deadline(row, limits)))
        except ValueError as error:
            raise MisconfiguredError(f"Row {row['id']}: `at` or `extension` cannot be read: correct it.") from error
    return made


def _deadline(row: Row, limits: Limits) -> Deadline | None:
    at = _time(str(row.get("at")))
    if row.get("policy"):
        return limits.by(str(row["policy"]), at, int(row.get("extension") or 0))
    matter = Matter(
        channel=row.get("channel"),
        kind=row.get("kind"),
        category=row.get("category"),
        emergency=str(row.get("emergency")).lower() == "true",
    )
    city, clock = str(row.get("jurisdiction") or JURISDICTION), row.get("clock") or "resolve"
    return next((one for one in limits.of(city, matter, at) if one.clock == clock), None)


def _verdict(row: Row, deadline: Deadline | None) -> Verdict:
    wanted = str(row["due"]).strip()
    if deadline is None or wanted == NONE:
        return "right" if deadline is None and wanted == NONE else "missing" if deadline is None else "needless"
    try:
        expected = _time(wanted)
    except ValueError as error:
        raise MisconfiguredError(f"Row {row['id']}: `due` must be a day, a time or {NONE}: correct it.") from error
    due_at = deadline.due_at.astimezone(SHANGHAI)
    found, meant = (due_at.date(), expected.date()) if len(wanted) == _DAY_ALONE else (due_at, expected)
    return "right" if found == meant else "early" if found < meant else "late"


def _time(said: str) -> datetime:
    time = datetime.fromisoformat(said)
    return time.replace(tzinfo=SHANGHAI) if time.tzinfo is None else time
