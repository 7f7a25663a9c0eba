"""The documents for other teams: valid by their own validators, and complete."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas import headers, topics
from schemas.contract import asyncapi, datacontract
from schemas.contract.generate import FOLDER
from schemas.envelope import Envelope, type_of
from schemas.records import RECORDS
from schemas.topics import TOPICS
from tests.peers import npm, pip

PEER = Path(npm.__file__).parent / "asyncapi"


def faults(*documents: Path) -> list[list[dict[str, Any]]]:
    """What AsyncAPI's own parser finds wrong with each; that there is a newer version of the standard is no fault."""
    done = subprocess.run(
        ["node", PEER / "validate.mjs", *documents],
        env=os.environ | {"NODE_PATH": str(npm.modules(PEER))},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [[one for one in told if one["code"] != "asyncapi-latest-version"] for told in found]


def break_a_binding(document: dict[str, Any]) -> None:
    document["channels"][topics.TICKET]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"] = ["forever"]


def break_a_reference(document: dict[str, Any]) -> None:
    document["operations"]["send_link_v1"]["channel"]["$ref"] = "#/channels/none"


@pytest.mark.integration
def test_the_asyncapi_document_is_valid_and_its_validator_finds_what_is_wrong(tmp_path: Path) -> None:
    """In one run of it: to load it takes it seconds."""
    broken = []
    for spoil in (break_a_binding, break_a_reference):
        document = asyncapi.document()
        spoil(document)
        broken.append(tmp_path / f"{spoil.__name__}.json")
        broken[-1].write_text(json.dumps(document))
    ours, binding, reference = faults(FOLDER / "asyncapi.json", *broken)
    assert ours == []
    assert binding != []
    assert reference != []


def test_every_topic_that_others_see_is_a_channel() -> None:
    channels = asyncapi.document()["channels"]
    private = {topics.CURSOR, topics.DELIVERY, topics.LEASE, topics.OUTBOX, topics.PLACEMENT}
    assert set(TOPICS) - set(channels) == private
    ticket = channels[topics.TICKET]["bindings"]["kafka"]
    assert ticket["bindingVersion"] == "0.5.0"
    assert ticket["topicConfiguration"]["delete.retention.ms"] == 7 * topics.DAY_MS


def test_every_attribute_of_the_envelope_is_told() -> None:
    assert set(headers.ATTRIBUTES) == set(Envelope.__struct_fields__)
    told = asyncapi.document()["components"]["messages"]["ticket"]["headers"]
    assert {"ce_id", "content-type", "traceparent", "ce_sequence"} <= set(told["properties"])


def test_every_record_that_travels_is_a_message() -> None:
    messages = asyncapi.document()["components"]["messages"]
    assert {message["name"] for message in messages.values()} == {
        type_of(name) for name in {*RECORDS, "raw", "dead"} - {"cursor", "placement"}
    }


def lint(document: Path) -> tuple[str, set[str]]:
    """What the standard's own command finds: its result, and the results of its checks."""
    told = document.with_suffix(".lint")
    command = [pip.scripts("datacontract") / "datacontract", "lint", "--all-errors", "--output-format", "json"]
    subprocess.run([*command, "--output", told, document], capture_output=True, env=os.environ | {"CI": "1"})
    found = json.loads(told.read_bytes())
    return found["result"], {f"{check['result']} {check['name']}" for check in found["checks"]}


def lint_of(document: dict[str, Any], folder: Path) -> tuple[str, set[str]]:
    place = folder / "datacontract.json"
    place.write_text(json.dumps(document), encoding="utf-8")
    return lint(place)


def test_the_standard_s_own_command_lints_the_data_contract(tmp_path: Path) -> None:
    document = json.loads((FOLDER / "datacontract.json").read_bytes())
    assert lint_of(document, tmp_path) == ("passed", {"passed Data contract is valid against ODCS v3.1.0"})
    document["schema"][0]["properties"][0]["logicalType"] = "words"
    assert lint_of(document, tmp_path)[0] != "passed"


def test_the_data_contract_tells_who_may_see_what() -> None:
    objects = {each["name"]: each for each in datacontract.document()["schema"]}
    assert set(datacontract.PUBLIC) <= set(objects)
    fields = {field["name"]: field for field in objects[topics.TICKET]["properties"]}
    assert fields["text"]["classification"] == "sensitive_personal"
    assert fields["text"]["businessName"] == "诉求内容"
    assert fields["ticket_id"]["primaryKey"] is True
    inner = {field["name"]: field["classification"] for field in fields["requester"]["properties"]}
    assert inner["phone"] == "personal"
    assert fields["status"]["required"] is True
    assert fields["closed_at"]["logicalType"] == "timestamp"


def test_the_data_contract_promises_retention_as_the_topics_have_it() -> None:
    kept = {p["element"]: p["value"] for p in datacontract.document()["slaProperties"] if p["property"] == "retention"}
    assert kept[topics.HANDOVER] == 180
    assert kept[topics.TICKET] == -1
