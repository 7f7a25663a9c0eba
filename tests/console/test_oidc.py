"""Sign-in by a real provider of identities on loopback: oidc-provider-mock, an OpenID Connect server of others."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from console.oidc import STATE_COOKIE, Provider
from console.settings import OidcSettings
from tests.console.doors import CITY, KEY, Door

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it uses parts of Authlib that are to go
    from oidc_provider_mock import User, run_server_in_thread

pytestmark = [
    pytest.mark.enable_socket,
    pytest.mark.allow_hosts(["127.0.0.1", "localhost", "::1"]),
    pytest.mark.filterwarnings("ignore:get_jwt_config"),  # the provider's own
]

HERE = "https://127.0.0.1"
GROUPS = {"12345-analysts": ("analyst",), "12345-auditors": ("auditor",)}
PEOPLE = {
    "wang": {"preferred_username": "wang.li", "groups": ["staff", "12345-analysts"], "cities": [CITY]},
    "no_role": {"preferred_username": "li.na", "groups": ["staff"], "cities": [CITY]},
    "no_city": {"preferred_username": "li.na", "groups": ["12345-analysts"], "cities": "沈阳"},
    "no_code": {"preferred_username": "王丽 <b>", "groups": ["12345-analysts"], "cities": [CITY]},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    users = [User(sub=name, claims=claims) for name, claims in PEOPLE.items()]
    with run_server_in_thread(user_claims=users) as server:
        yield f"http://localhost:{server.server_port}"


def door(folder: Path, issuer: str, **more: Any) -> Door:
    settings = OidcSettings(issuer=issuer, client_id="console", client_secret=SecretStr("secret"), **more)
    return Door(folder, provider=Provider(settings, HERE, GROUPS, [KEY]), origin=HERE)


async def asked(client: httpx.AsyncClient, there: str = "/search?q=a") -> str:
    """Press the button; return where the provider is asked."""
    answer = await client.get(f"/login/provider?{urlencode({'next': there})}")
    assert answer.status_code == 302
    return str(answer.headers["location"])


async def confirmed(url: str, person: str) -> str:
    """Sign in at the provider; return the path that it leads back to."""
    async with httpx.AsyncClient() as provider:
        answer = await provider.post(url, data={"sub": person})
    assert answer.status_code == 302
    return str(answer.headers["location"]).removeprefix(HERE)


async def test_who_has_a_role_and_a_city_comes_in(tmp_path: Path, issuer: str) -> None:
    console = door(tmp_path, issuer)
    client = console.client()
    url = await asked(client)
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == [f"{HERE}/login/callback"]
    assert query["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= query.keys()
    back = await client.get(await confirmed(url, "wang"))
    assert (back.status_code, 'content="0;url=/search?q=a"' in back.text) == (200, True)
    assert (await client.get("/search?q=a")).status_code == 200
    assert [(act.action, act.person) for act in console.trail.acts] == [
        ("signed_in", "wang.li"),
        ("searched", "wang.li"),
    ]
    assert console.archive.asked[0].filters.jurisdiction == (CITY,)


@pytest.mark.parametrize(("person", "why"), [("no_role", "role"), ("no_city", "city"), ("no_code", "name")])
async def test_who_has_none_is_refused_and_recorded(person: str, why: str, tmp_path: Path, issuer: str) -> None:
    console = door(tmp_path, issuer)
    client = console.client()
    back = await client.get(await confirmed(await asked(client), person))
    assert back.status_code == 401
    assert "__Host-hotline" not in client.cookies
    assert [(act.action, act.details["why"]) for act in console.trail.acts] == [("sign_in_refused", why)]


async def test_an_answer_counts_once_and_only_in_the_browser_that_asked(tmp_path: Path, issuer: str) -> None:
    console = door(tmp_path, issuer)
    client, other = console.client(), console.client()
    path = await confirmed(await asked(client), "wang")
    assert (await other.get(path)).status_code == 401  # no state of this browser
    await asked(other)
    assert (await other.get(path)).status_code == 401  # another state: a login that somebody else began
    kept = client.cookies[STATE_COOKIE]
    assert (await client.get(path)).status_code == 200
    assert STATE_COOKIE not in client.cookies
    client.cookies.set(STATE_COOKIE, kept)
    assert (await client.get(path)).status_code == 401  # the code is used up


async def test_a_forged_or_broken_answer_is_refused(tmp_path: Path, issuer: str) -> None:
    client = door(tmp_path, issuer).client()
    state = parse_qs(urlsplit(await asked(client)).query)["state"][0]
    for query in ({"code": "forged", "state": state}, {"error": "access_denied", "state": state}, {}):
        client.cookies.clear()
        await asked(client)
        answer = await client.get(f"/login/callback?{urlencode(query)}")
        assert (answer.status_code, "__Host-hotline" in client.cookies) == (401, False)


async def test_a_provider_that_is_away_is_said_to_be_and_local_users_come_in(tmp_path: Path) -> None:
    console = door(tmp_path, "http://127.0.0.1:9")
    answer = await console.client().get("/login/provider")
    assert (answer.status_code, "请稍候" in answer.text) == (503, True)
