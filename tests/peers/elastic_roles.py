"""Which privilege of Elasticsearch's security each request of ours needs, and what the roles of `deploy/` grant.

Transcribed from "Security privileges" of Elasticsearch's documentation: the local node has no security to ask.
"""

import fnmatch
import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.docs.pages import ROOT

FILE = ROOT / "deploy" / "elasticsearch-roles.json"

_METADATA, _MANAGE = "view_index_metadata", "manage"

# What each privilege contains beside itself.
_CONTAINS = {
    "manage": {"manage", "monitor", "view_index_metadata", "maintenance", "delete_index"},
    "auto_configure": {"auto_configure"},
    "write": {"write", "index", "create", "delete"},
}

_CLUSTER = {
    r"/": "monitor",
    r"/_cluster/health|/_cat/health": "monitor",
    r"/_index_template/.*": "manage_index_templates",
}
_INDEX = {
    ("HEAD|GET", r"/_alias/([^/]+)"): (_METADATA,),
    ("HEAD|GET", r"/([^/_][^/]*)/_alias/[^/]+"): (_METADATA,),
    ("HEAD|GET", r"/([^/_][^/]*)"): (_METADATA,),
    ("GET", r"/([^/_][^/]*)/_stats(?:/.*)?"): ("monitor",),
    ("PUT", r"/([^/_][^/]*)"): ("create_index", _MANAGE),  # with an alias in the same request
    ("PUT", r"/([^/_][^/]*)/_mapping"): (_MANAGE,),
    ("GET", r"/([^/_][^/]*)/_settings/[^/]+"): (_METADATA,),
    ("PUT", r"/([^/_][^/]*)/_alias/[^/]+"): (_MANAGE,),
    ("PUT", r"/([^/_][^/]*)/(?:_settings|_block/write)"): (_MANAGE,),
    ("POST", r"/(_aliases)"): (_MANAGE, "delete_index"),  # an alias moves, and the index that had it goes
    ("DELETE", r"/([^/_][^/]*)"): ("delete_index",),
    ("POST", r"/([^/_][^/]*)/_refresh"): ("maintenance",),
    ("GET|POST", r"/([^/_][^/]*)/(?:_search|_count|_mget)"): ("read",),
    ("GET|POST", r"/(_mget)"): ("read",),
    ("PUT|POST", r"/(_bulk)"): ("write", "create_index"),  # a monthly index is born with its first document
}


@cache
def roles() -> Mapping[str, Any]:
    """The roles of `deploy/`, by name."""
    found: Mapping[str, Any] = json.loads(FILE.read_text())
    return found


def allows(role: Mapping[str, Any], method: str, path: str) -> bool:
    """Say whether a role may do a request; one that is not in the tables above is nobody's."""
    for pattern, privilege in _CLUSTER.items():
        if re.fullmatch(pattern, path):
            return privilege in role["cluster"]
    for (methods, pattern), privileges in _INDEX.items():
        if re.fullmatch(methods, method) and (found := re.fullmatch(pattern, path)):
            name = "hotline-message-2026.11" if found[1].startswith("_") else found[1]
            return all(_has(role, one, privilege) for one in name.split(",") for privilege in privileges)
    return False


def _has(role: Mapping[str, Any], name: str, privilege: str) -> bool:
    granted = [
        one
        for entry in role["indices"]
        if any(fnmatch.fnmatchcase(name.rstrip("*"), pattern) for pattern in entry["names"])
        for one in entry["privileges"]
    ]
    return any(privilege in _CONTAINS.get(one, {one}) for one in granted)
