"""Every module that decodes what others wrote has a target that runs it, or stands here with why it has none."""

import re
import sys
import threading
from functools import cache
from pathlib import Path
from types import FrameType

import pytest

from benchmarks.fuzz.table import TARGETS

ROOT = Path(__file__).parents[2]
ROOMS = (
    "connectors",
    "console",
    "normalizers",
    "streams",
    "sinks",
    "tickets",
    "schemas",
    "broker",
    "storage",
    "hotline",
)

_DECODES = re.compile(
    r"json\.(?:decode|loads?)\(|json\.Decoder\(|mended\.read\(|msgpack\.(?:decode\(|Decoder)|message_from_bytes|BytesParser"
    r"|fromstring\(|unpack(?:_from)?\(|csv\.(?:reader|DictReader)|tomllib\.load|parse_qs|parsedate_to_datetime|_getaddr"
)

FUZZED = {
    "connectors/backoffice/api.py": "commands_door",
    "connectors/publish/disk_buffer.py": "journal",
    "connectors/publish/segment.py": "journal",
    "connectors/mailbox/lmtp.py": "lmtp",
    "connectors/mailbox/session.py": "imap",
    "connectors/mailbox/oauth.py": "answers",
    "connectors/http/server.py": "web_door",
    "connectors/sms_http/callbacks.py": "sms_door",
    "connectors/sms_http/authentication.py": "sms_door",
    "normalizers/mapped_webhook/document.py": "mapped_door",
    "connectors/sms_cmpp/codec.py": "cmpp",
    "connectors/sms_smpp/codec.py": "smpp",
    "connectors/web/pages.py": "web_door",
    "connectors/web/submission.py": "web_door",
    "connectors/wechat/api.py": "wechat_answers",
    "connectors/http/callback.py": "wechat_door",
    "connectors/wechat/kf_pull.py": "wechat_answers",
    "connectors/wechat/download.py": "wechat_answers",
    "connectors/weibo/token.py": "weibo_account",
    "connectors/weibo/api.py": "weibo_answers",
    "connectors/weibo/http.py": "weibo_answers",
    "connectors/weibo/models.py": "weibo_answers",
    "connectors/weibo/fulltext.py": "weibo_account",
    "hotline/config/load.py": "settings",
    "hotline/quality/evaluate/labelled.py": "labelled",
    "hotline/importer/columns.py": "imports",
    "hotline/importer/mails.py": "imports",
    "hotline/importer/tables.py": "imports",
    "hotline/quality/learn/addresses.py": "labelled",
    "hotline/quality/learn/labelled.py": "labelled",
    "normalizers/mail/threading.py": "mail",
    "normalizers/mail/tnef.py": "tnef",
    "normalizers/parse/json.py": "wechat",
    "normalizers/phone/sheet.py": "phone",
    "normalizers/record.py": "record",
    "normalizers/rules/__init__.py": "rules",
    "normalizers/sms/alphabet.py": "sms",
    "normalizers/sms/pdu.py": "sms",
    "normalizers/sms/draft.py": "sms",
    "normalizers/sms/web.py": "sms_callbacks",
    "normalizers/web/fields.py": "web",
    "normalizers/wechat/fields.py": "wechat",
    "normalizers/wechat/media.py": "wechat",
    "normalizers/weibo/items.py": "weibo_answers",
    "normalizers/weibo/json.py": "weibo",
    "schemas/codec.py": "records",
    "sinks/elastic/rest_client.py": "answers",
    "sinks/elastic/status_errors.py": "answers",
    "sinks/webhook/response.py": "answers",
    "streams/state/checkpoint.py": "checkpoint",
    "tickets/policies/__init__.py": "policies",
}
"""The target of each."""

OURS = {
    "console/app.py": "a form, 64 KiB at most, by the standard library; tests/console/test_search_page.py draws them",
    "console/templates.py": "words of the program",
    "console/users.py": "a file that `hotline console user` wrote",
    "connectors/wechat/media_store.py": "a file that this program wrote beside another",
    "connectors/weibo/pull.py": "what it encoded itself in the same line",
    "hotline/admin/commands.py": "words of a command line, which a person sees refused",
    "hotline/admin/transactions.py": "Kafka's own log of transactions, read by `doctor`; tests/hotline/doctor",
    "hotline/dev/demo/web.py": "the demonstration asks our own door",
    "hotline/dev/demo/wechat_api.py": "the demonstration's platform is our own",
    "hotline/quality/evaluate/duplicates.py": "the project's own labels beside it",
    "hotline/dev/stack/elastic.py": "the local servers that `up` started",
    "hotline/dev/stack/kafka.py": "the local servers that `up` started",
    "hotline/config/stack_state.py": "a file that `up` wrote",
    "hotline/output.py": "what it encoded itself in the same line",
    "hotline/search/page.py": "the cursor of a page: any other text is refused; tests/hotline/search",
    "hotline/trial/raw.py": "one message that a person gives to `try`, through the same normalizers",
    "hotline/config/errors.py": "the operator's environment, through the same settings as the file",
    "hotline/monitor/processes.py": "what our own processes say in /readyz",
    "normalizers/mapped_webhook/profile.py": "a profile of the program, and a city's own, which `check` reads",
    "normalizers/text/model_files.py": "a model that `learn` wrote, with its hash on its card",
    "normalizers/geo/divisions.py": "a table of the program, and a city's own, which `check` reads",
    "normalizers/pii/name_model.py": "a table of the program",
    "normalizers/text/lexicon.py": "a table of the program",
    "normalizers/text/sounds.py": "tables of a library",
    "schemas/contract/asyncapi.py": "the project's own schemas",
    "schemas/contract/releases.py": "the project's own schemas",
    "schemas/audit_chain.py": "the audit topic, which only `assign` writes; tests/schemas/test_audit_chain.py",
    "sinks/elastic/bulk.py": "tickets that `assign` wrote; any other bytes stay as they are; tests/sinks/test_bulk.py",
    "sinks/eraser.py": "documents that it encoded itself in the same line",
    "streams/engine/in_work.py": "a file that this program wrote beside its marks",
    "tickets/state/store.py": "what the same process packed, or a checkpoint with its checksum",
    "tickets/dedupe/index.py": "what the same process packed, or a checkpoint with its checksum",
}
"""What no stranger writes: why each of these needs no target."""


def decoding() -> set[str]:
    """Return the modules that decode anything."""
    paths = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {str(path.relative_to(ROOT)) for path in paths if _DECODES.search(path.read_text("utf-8"))}


def test_every_module_that_decodes_has_a_target_or_a_reason() -> None:
    assert decoding() <= FUZZED.keys() | OURS.keys()
    assert not FUZZED.keys() & OURS.keys()
    assert OURS.keys() <= decoding()
    assert set(FUZZED.values()) <= TARGETS.keys()


@cache
def modules_of(target: str) -> frozenset[str]:
    """Return the files of ours whose functions a target's seeds run, in whatever thread."""
    seen: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        for seed in TARGETS[target].seeds:
            TARGETS[target].check(seed)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type] # what takes it back
    return frozenset(seen)


@pytest.mark.parametrize("module", FUZZED)
def test_the_target_runs_it(module: str) -> None:
    assert str(ROOT / module) in modules_of(FUZZED[module])
