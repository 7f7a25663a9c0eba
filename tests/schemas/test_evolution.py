"""The rules of evolution: a table of forbidden changes, which are all caught, and of allowed ones, which all pass."""

from typing import Annotated, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas import topics
from schemas.contract import compatibility
from schemas.contract.compatibility import Shape
from schemas.fields import about
from schemas.records.common import Record, Time
from tests.rows import each_row
from tests.schemas.shapes import TODAY, Change, Schemas, add, fields, later, put, struct, text

NUMBER = {"type": "integer"}
CLOSED = {"additionalProperties": False}
NULLABLE = {"anyOf": [{"type": "string"}, {"type": "null"}]}


def remove(name: str, of: str = "Ticket", record: str = "ticket") -> Change:
    return lambda schemas: fields(schemas, of, record).pop(name)


def rename(schemas: Schemas) -> None:
    fields(schemas)["heading"] = fields(schemas).pop("title")


def need(name: str, of: str = "Ticket") -> Change:
    return lambda schemas: struct(schemas, "ticket", of)["required"].append(name)


def need_no_more(name: str) -> Change:
    return lambda schemas: struct(schemas, "ticket", "Ticket")["required"].remove(name)


def never_null(schemas: Schemas) -> None:
    field = fields(schemas)["closed_at"]
    del field["anyOf"]
    field |= {"type": "string", "format": "date-time"}


def null(schemas: Schemas) -> None:
    del fields(schemas)["status"]["type"]
    fields(schemas)["status"] |= NULLABLE


def close(record: str, name: str) -> Change:
    return lambda schemas: struct(schemas, record, name).update(additionalProperties=False)


def drop_word(schemas: Schemas) -> None:
    fields(schemas)["status"]["x-words"].remove("archived")


def drop_kind(schemas: Schemas) -> None:
    del fields(schemas, "Event", "event")["changes"]["items"]["discriminator"]["mapping"]["moved"]


def other_tag(schemas: Schemas) -> None:
    fields(schemas, "Event", "event")["changes"]["items"]["discriminator"]["propertyName"] = "kind"


def new_kind(**more: Any) -> Change:
    def change(schemas: Schemas) -> None:
        member = {"type": "object", "properties": {"change": {"enum": ["praised"]}, "ticket_id": text(), **more}}
        schemas["event"]["$defs"]["Praised"] = member
        place = fields(schemas, "Event", "event")["changes"]["items"]
        place["anyOf"].append({"$ref": "#/$defs/Praised"})
        place["discriminator"]["mapping"]["praised"] = "#/$defs/Praised"

    return change


def new_record(**more: Any) -> Change:
    return lambda schemas: schemas.update(answer={"type": "object", "properties": {"answer_id": text(), **more}})


def nothing(schemas: Schemas) -> None:
    pass


FORBIDDEN: list[tuple[str, int, Change]] = [
    ("a new field that every record must have", 1, add("mood", text(), needed=True)),
    ("a field that every record must have now", 1, need("channels")),
    ("a field deep inside that every record must have now", 1, need("extended_from", "Deadline")),
    ("another default", 1, put("urgency", default="urgent")),
    ("a field removed", 2, remove("title")),
    ("a field removed deep inside", 2, remove("adcode", "Location")),
    ("a field removed inside a change of an event", 2, remove("ticket_no", "Opened", "event")),
    ("a header removed", 2, lambda schemas: schemas["envelope"]["properties"].pop("ce_sequence")),
    ("a header that may be missing now", 2, lambda schemas: schemas["envelope"]["required"].remove("ce_id")),
    ("a field renamed", 2, rename),
    ("a whole number became a number", 2, put("version", type="number")),
    ("a number became a whole number", 2, put("confidence", of="Category", type="integer")),
    ("text became a list", 2, put("status", type="array", items={"type": "string"})),
    ("the items of a list became others", 2, put("labels", items={"type": "integer"})),
    ("the values of a map became others", 2, put("rules_versions", of="Lineage", additionalProperties=NUMBER)),
    ("anything became text", 2, put("args", of="Command", record="command", additionalProperties={"type": "string"})),
    ("text got a longest length", 2, put("text", maxLength=1000)),
    ("text got a pattern", 2, put("ticket_no", pattern="^[0-9-]+$")),
    ("a list got a longest length", 2, put("attachments", maxItems=10)),
    ("any text became a list of words", 2, put("policy_id", of="Deadline", **{"x-words": ["national"]})),
    ("a field that may be absent now", 2, need_no_more("ticket_no")),
    ("a kind of change removed", 2, drop_kind),
    ("another name for the kind of a change", 2, other_tag),
    ("personal data declared harmless", 2, put("phone", of="Requester", **{"x-pii": 0})),
    ("sensitive data declared less", 2, put("text", **{"x-pii": 1})),
    ("a searchable field that is not any more", 2, put("status", **{"x-index": "none"})),
    ("a keyword that became text", 2, put("ticket_no", **{"x-index": "text"})),
    ("a word removed from an enumeration", 3, drop_word),
    ("an open enumeration closed", 3, put("status", enum=["received", "resolved"])),
    ("a closed enumeration changed", 3, put("change", of="Opened", record="event", enum=["opened", "begun"])),
    ("a new closed enumeration", 3, add("mood", text(enum=["good", "bad"]))),
    ("a new closed enumeration in a list", 3, add("moods", text(type="array", items={"enum": ["good", "bad"]}))),
    ("null where it never was", 4, null),
    ("null no more where it was", 4, never_null),
    ("a time that became any text", 5, lambda schemas: fields(schemas)["received_at"].pop("format")),
    ("text that became a time", 5, put("day", of="Opened", record="event", format="date-time")),
    ("a new time in seconds", 5, add("answered_at", text(type="number"))),
    ("a new time without offset", 5, add("answered_at", text(format="date"))),
    ("an id that became a number", 6, put("ticket_id", type="integer")),
    ("a new id that is a number", 6, add("case_id", text(type="integer"))),
    ("a new list of ids that are numbers", 6, add("case_ids", text(type="array", items={"type": "integer"}))),
    ("a new number of a paper that is a number", 6, add("letter_no", text(type="integer"))),
    ("unknown fields refused", 7, close("ticket", "Ticket")),
    ("unknown fields refused deep inside", 7, close("ticket", "Requester")),
    ("a new field that refuses unknown fields", 7, add("place", text(type="object", properties={}, **CLOSED))),
    ("a new kind of change with a closed enumeration", 3, new_kind(mood=text(enum=["good"]))),
    ("a new record with an id that is a number", 6, new_record(desk_id=text(type="integer"))),
    ("a record removed", 9, lambda schemas: schemas.pop("link")),
]  # fmt: skip

ALLOWED: list[tuple[str, Change]] = [
    ("nothing", nothing),
    ("a new field with a default", add("mood", text(default="calm"))),
    ("a new field that may be null", add("mood", text(default=None) | NULLABLE)),
    ("a new field that is absent until asked", add("mood", text())),
    ("a new list", add("moods", text(type="array", items={"type": "string"}, default=[]))),
    ("a new time", add("answered_at", text(format="date-time"))),
    ("a new id", add("case_id", text())),
    ("a new open enumeration", add("mood", text(**{"x-words": ["good", "bad"]}))),
    ("a new field deep inside", lambda schemas: fields(schemas, "Location").update(village=text())),
    ("a new header", lambda schemas: schemas["envelope"]["properties"].update(ce_mood={"type": "string"})),
    ("a word added to an enumeration", lambda schemas: fields(schemas)["status"]["x-words"].append("forgotten")),
    ("words in another order", lambda schemas: fields(schemas)["status"]["x-words"].reverse()),
    ("another description", put("status", description="How far it has come", title="状态")),
    ("a field that became personal", put("status", **{"x-pii": 1})),
    ("a field that became searchable", put("signature", of="Message", record="message", **{"x-index": "keyword"})),
    ("a new kind of change", new_kind()),
    ("a new record", new_record()),
    ("the version itself", put("schema_version", default="7.7.7")),
]


@each_row(("name", "rule", "change"), FORBIDDEN, ids=[case[0] for case in FORBIDDEN])
def test_a_forbidden_change_is_caught_by_its_rule(name: str, rule: int, change: Change) -> None:
    found = compatibility.breaches(TODAY, later(change))
    assert rule in {breach.rule for breach in found}, found
    assert all(f"(rule {breach.rule})" in str(breach) and breach.where for breach in found)


@each_row(("name", "change"), ALLOWED, ids=[case[0] for case in ALLOWED])
def test_an_allowed_change_passes(name: str, change: Change) -> None:
    assert compatibility.breaches(TODAY, later(change)) == []


def test_every_rule_of_a_shape_is_in_the_table() -> None:
    """Rule 8 is about files: tests/schemas/test_releases.py."""
    assert {rule for _, rule, _ in FORBIDDEN} == {1, 2, 3, 4, 5, 6, 7, 9}


def test_one_change_is_one_breach() -> None:
    """A person who removed a field is told so once, and where."""
    assert [str(breach) for breach in compatibility.breaches(TODAY, later(remove("adcode", "Location")))] == [
        "ticket.location.adcode: it is gone: a field stays, and a renamed one is another field (rule 2)"
    ]


def without(name: str) -> Shape:
    return replace(TODAY, topics={key: topic for key, topic in TODAY.topics.items() if key != name})


def changed(**more: str) -> Shape:
    return replace(TODAY, topics={**TODAY.topics, topics.TICKET: replace(TODAY.topics[topics.TICKET], **more)})


@each_row(
    "new",
    [
        without(topics.TICKET),
        changed(key="ticket_no"),
        changed(partitioned_by="key"),
        changed(cleanup_policy="delete"),
        replace(TODAY, version="2.0.0"),
    ],
    ids=["topic removed", "another key", "another partitioning", "not compacted", "a major version without its topic"],
)
def test_what_breaks_a_topic_is_a_new_topic(new: Shape) -> None:
    assert [breach.rule for breach in compatibility.breaches(TODAY, new)] == [9]


def test_a_major_version_comes_with_its_topic_beside_the_old_one() -> None:
    both = {**TODAY.topics, "hotline.ticket.v2": TODAY.topics[topics.TICKET]}
    assert compatibility.breaches(TODAY, replace(TODAY, version="2.0.0", topics=both)) == []


def shape_of(struct: type[Struct]) -> Shape:
    schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(struct)))
    return replace(TODAY, schemas={"lamp": schema})


def test_structs_grow_as_the_rules_say() -> None:
    """The same through the structs, as a person changes them."""

    class Lamp(Record, frozen=True, kw_only=True):
        lamp_id: Annotated[str, about("Id", "标识")]
        seen_at: Annotated[Time | None, about("When", "时间", index="date")] = None

    grown = msgspec.defstruct(
        "Lamp", [("colour", Annotated[str, about("Colour", "颜色")], "white")], bases=(Lamp,), frozen=True, kw_only=True
    )
    strict = msgspec.defstruct(
        "Lamp", [("colour", Annotated[str, about("Colour", "颜色")])], bases=(Lamp,), frozen=True, kw_only=True
    )
    closed = msgspec.defstruct("Lamp", [], bases=(Lamp,), frozen=True, kw_only=True, forbid_unknown_fields=True)
    assert compatibility.breaches(shape_of(Lamp), shape_of(grown)) == []
    assert [breach.rule for breach in compatibility.breaches(shape_of(Lamp), shape_of(strict))] == [1]
    assert [breach.rule for breach in compatibility.breaches(shape_of(Lamp), shape_of(closed))] == [7]
    assert 2 in {breach.rule for breach in compatibility.breaches(shape_of(grown), shape_of(Lamp))}
