"""What became of a chunk is counted by relation, and what is left of it are repeats."""

from prometheus_client import REGISTRY

from schemas import topics
from streams.metrics import count_decisions
from tests.tickets.build import message
from tests.tickets.said import decided


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"hotline_streams_{name}_total", labels) or 0.0


def test_decisions_are_counted_by_relation_and_the_rest_as_repeats() -> None:
    texts = ("中山路12号门口的路灯坏了三天", "学校食堂的饭菜里有虫子", "中山路12号门口的路灯坏了三天")
    _, decisions = decided([message(number, text) for number, text in enumerate(texts)])
    relations = ("new", "same_person_same_matter")
    before = [counted("decisions", relation=one) for one in relations]
    records, repeats = counted("records", stage="assign", topic=topics.MESSAGE), counted("repeats", stage="assign")
    count_decisions("assign", decisions, dead=1, records=6)
    assert [counted("decisions", relation=one) for one in relations] == [before[0] + 2, before[1] + 1]
    assert counted("records", stage="assign", topic=topics.MESSAGE) == records + 6
    assert counted("repeats", stage="assign") == repeats + 2
