"""All that comes out of a running pipeline beside its topics: what it answers, prints, writes to a disk, and logs."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path

import urllib3

from hotline.dev.demo import web
from tests.e2e.pipeline import Pipeline

_OPEN311 = f"{web.PATH}/open311"
_V2 = f"{_OPEN311}/v2"


def indexed(url: str, indices: str = "hotline-*") -> list[dict[str, object]]:
    """Return every document of these indices."""
    asked = {"query": {"match_all": {}}, "size": 10_000}
    urllib3.request("POST", f"{url}/{indices}/_refresh", timeout=60)
    hits = urllib3.request("POST", f"{url}/{indices}/_search", json=asked, timeout=60).json()["hits"]
    assert hits["total"]["value"] == len(hits["hits"]), "more than one answer holds"
    found: list[dict[str, object]] = hits["hits"]
    return found


def answers(port: int, telemetry: int, tickets: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield what the HTTP doors say to everybody, of some tickets by their ids: the page, its head and body."""
    pages = [f"{_OPEN311}/discovery.json", f"{_V2}/services.json", f"{_V2}/services/other.xml"]
    pages += [f"{_V2}/requests.json", f"{_V2}/requests.xml", web.PATH, "/healthz"]
    pages += [f"{_V2}/{what}.json" for one in tickets for what in (f"requests/{one}", f"tokens/{one}")]
    pages += [f"{_V2}/servicerequestupdates.json?service_request_id={','.join(tickets)}"]
    pages += [f"{web.PATH}/status?number={one}&code=ABCDEFGH" for one in tickets]
    for page in pages:
        yield page, _answer(f"http://127.0.0.1:{port}{page}")
    for page in ("/", "/readyz", "/metrics"):
        yield page, _answer(f"http://127.0.0.1:{telemetry}{page}")


def ask_for(port: int, secrets: Sequence[str]) -> None:
    """Knock at the doors with what must be in no log: in paths and queries that are right, wrong and nobody's."""
    pages = [f"{_V2}/{page}" for page in ("requests/{}.json", "tokens/{}.json", "services/{}.json")]
    pages += [f"{web.PATH}/{page}" for page in ("receipt/{}", "status?number={}")]
    pages += [f"{_V2}/requests.json?service_request_id={{}}", "/{}", "/wechat?openid={}&signature=0", "/sms/aliyun/{}"]
    for page in (page.format(secret) for secret in secrets for page in pages):
        _answer(f"http://127.0.0.1:{port}{page}")
        _answer(f"http://127.0.0.1:{port}{page}", "POST")


def _answer(url: str, method: str = "GET") -> str:
    answer = urllib3.request(method, url, retries=False, redirect=False, timeout=60)
    return f"{answer.status} {dict(answer.headers)}\n{answer.data.decode()}"


def printed(pipeline: Pipeline, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what commands print, and the files they write, for eyes that may see nothing in clear."""
    for form in ("open311-json", "open311-xml", "zammad"):
        file = folder / f"export.{form}"
        yield f"export {form}", pipeline.told("export", str(file), "--format", form)
        yield f"file of export {form}", file.read_text(encoding="utf-8")
    for words in (
        ("rates", "--least", "1"),
        ("deadlines", "overdue", "--within-hours", "100000"),
        ("deadlines", "recompute", "--dry-run"),
        ("dead", "list", "--json"),
        ("dead", "replay", "--dry-run"),
        ("answers", "list", "--json"),
        ("webhook", "log", "--json"),
        ("index", "describe"),
        ("topics", "describe"),
        ("replay", "--diff"),
        ("status",),
        ("check",),
        ("doctor",),
    ):
        yield " ".join(words), pipeline.told(*words, codes=(0, 1, 2))


def printed_in_clear(pipeline: Pipeline, folder: Path, tickets: Iterable[str]) -> Iterator[str]:
    """Yield what commands print and write of these tickets, and of all, for eyes that may see everything."""
    file = folder / "export.clear"
    yield pipeline.told("export", str(file), "--format", "open311-json", "--clear", "--reason", "x")
    yield file.read_text(encoding="utf-8")
    for ticket in tickets:
        yield pipeline.told("show", ticket, "--clear", "--reason", "x")
        yield pipeline.told("explain", ticket, "--clear", "--reason", "x")


def open_to_others(root: Path, *names: str) -> list[Path]:
    """Return what other users of the machine may read of what was written into these folders, and of files."""
    tops = [top for name in names for top in root.glob(name)]
    written = [path for top in tops for path in (top, *top.rglob("*")) if path.is_file() or path != top]
    return [path for path in written if not any(_is_shut(one) for one in (path, *_between(path, root)))]


def _between(path: Path, root: Path) -> Iterator[Path]:
    return takewhile(lambda above: above != root, path.parents)


def _is_shut(path: Path) -> bool:
    return not path.stat().st_mode & 0o007
