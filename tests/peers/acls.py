"""Reads `deploy/kafka-acls.txt` as `kafka-acls.sh` reads its arguments, and grants what it says."""

import argparse
import shlex
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from broker.config import KafkaConnection
from tests.docs.pages import ROOT
from tests.fresh import admin_of

FILE = ROOT / "deploy" / "kafka-acls.txt"

_EVERYTHING = ACLFilter(
    None, None, ACLOperation.ANY, ACLPermissionType.ANY,
    ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)  # fmt: skip

_OPERATIONS = {
    "Read": ACLOperation.READ,
    "Write": ACLOperation.WRITE,
    "Alter": ACLOperation.ALTER,
    "Create": ACLOperation.CREATE,
    "Describe": ACLOperation.DESCRIBE,
    "DescribeConfigs": ACLOperation.DESCRIBE_CONFIGS,
    "AlterConfigs": ACLOperation.ALTER_CONFIGS,
}


def lines() -> list[str]:
    """The lines that are arguments."""
    return [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]


def users() -> tuple[str, ...]:
    """Every user that the file grants something."""
    return tuple(dict.fromkeys(_parsed(line).allow_principal.removeprefix("User:") for line in lines()))


def acls_of(line: str) -> Iterator[ACL]:
    """What one line grants."""
    told = _parsed(line)
    kind, name = next(
        (kind, name)
        for kind, name in (
            (ResourceType.TOPIC, told.topic),
            (ResourceType.GROUP, told.group),
            (ResourceType.TRANSACTIONAL_ID, told.transactional_id),
            (ResourceType.CLUSTER, "kafka-cluster" if told.cluster else None),
        )
        if name
    )
    pattern = ResourcePattern(kind, name, ACLResourcePatternType[told.resource_pattern_type.upper()])
    for operation in told.operation:
        yield ACL(told.allow_principal, "*", _OPERATIONS[operation], ACLPermissionType.ALLOW, pattern)


def grant(connection: KafkaConnection, granted: Iterable[str]) -> None:
    """Take whatever was granted away, and grant what these lines say."""
    wanted = [acl for line in granted for acl in acls_of(line)]
    with admin_of(connection) as admin:
        admin.delete_acls([_EVERYTHING])
        _wait(admin, ())  # a broker that has heard of neither looks as if it had heard of both
        assert not admin.create_acls(wanted)["failed"]
        _wait(admin, wanted)


@contextmanager
def beside(connection: KafkaConnection, granted: Iterable[str]) -> Iterator[None]:
    """Grant what these lines say while a `with` block lasts, and leave all else as it is."""
    acls = [acl for line in granted for acl in acls_of(line)]
    with admin_of(connection) as admin:
        before = _now(admin)
        fresh = [acl for acl in acls if acl not in before]
        assert not admin.create_acls(fresh)["failed"]
        _wait(admin, [*before, *fresh])
        try:
            yield
        finally:
            admin.delete_acls(
                [ACLFilter(a.principal, a.host, a.operation, a.permission_type, a.resource_pattern) for a in fresh]
            )
            _wait(admin, before)


@contextmanager
def without(connection: KafkaConnection, line: str) -> Iterator[None]:
    """Take away what one line grants while a `with` block lasts."""
    with admin_of(connection) as admin:
        before, acls = _now(admin), list(acls_of(line))
        gone = [ACLFilter(a.principal, a.host, a.operation, a.permission_type, a.resource_pattern) for a in acls]
        admin.delete_acls(gone)
        _wait(admin, [acl for acl in before if acl not in acls])
        try:
            yield
        finally:
            admin.create_acls(acls)
            _wait(admin, before)


def _wait(admin: KafkaAdminClient, wanted: Iterable[ACL]) -> None:
    """Wait until the broker goes by them: the controller answers before that."""
    expected, deadline = set(map(repr, wanted)), time.monotonic() + 60
    while set(map(repr, _now(admin))) != expected:
        assert time.monotonic() < deadline, "the broker did not take the ACLs"
        time.sleep(0.005)


def _now(admin: KafkaAdminClient) -> list[ACL]:
    found, _ = admin.describe_acls(_EVERYTHING)
    return list(found)


def _parsed(line: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--allow-principal", required=True)
    parser.add_argument("--operation", action="append", required=True, choices=_OPERATIONS)
    where = parser.add_mutually_exclusive_group(required=True)
    for kind in ("topic", "group", "transactional-id"):
        where.add_argument(f"--{kind}")
    where.add_argument("--cluster", action="store_true")
    parser.add_argument("--resource-pattern-type", default="literal", choices=["literal", "prefixed"])
    return parser.parse_args(shlex.split(line))
