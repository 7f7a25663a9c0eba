"""Sign-in, sessions, forged requests, and the acts that are recorded of them."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from console.headers import HEADERS
from console.session import COOKIE, Person, Sessions
from console.users import Users
from schemas.errors import MisconfiguredError
from tests.console.doors import CITY, KEY, NOW, PASSWORD, Door, token
from tests.rows import each_row


def door_with_user(folder: Path, *roles: str) -> Door:
    door = Door(folder)
    door.users.add("wang.li", PASSWORD, roles or ("analyst",), (CITY,), NOW.timestamp() - 60)
    return door


async def test_a_password_begins_a_session_that_leads_where_one_wanted_to_go(tmp_path: Path) -> None:
    door = door_with_user(tmp_path)
    client = door.client()
    first = await client.get("/search?q=暖气")
    assert (first.status_code, first.headers["location"]) == (
        303,
        f"/login?next=%2Fsearch%3Fq%3D{quote(quote('暖气'))}",
    )
    data = {"name": "wang.li", "password": PASSWORD, "next": "/search?q=暖气"}
    signed = await client.post("/login", data=data)
    assert 'content="0;url=/search?q=暖气"' in signed.text
    (cookie,) = signed.headers.get_list("set-cookie")
    for part in (f"{COOKIE}=", "HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert part in cookie
    assert "Domain" not in cookie
    assert (await client.get("/search?q=暖气")).status_code == 200
    assert [(act.action, act.person) for act in door.trail.acts] == [("signed_in", "wang.li"), ("searched", "wang.li")]
    assert PASSWORD not in repr(door.trail.acts)


@pytest.mark.parametrize(
    "there", ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "/\n/x"]
)
async def test_a_sign_in_leads_nowhere_else(there: str, tmp_path: Path) -> None:
    data = {"name": "wang.li", "password": PASSWORD, "next": there}
    signed = await door_with_user(tmp_path).client().post("/login", data=data)
    assert 'content="0;url=/"' in signed.text


async def test_the_sixth_wrong_password_of_a_minute_has_to_wait_and_so_has_the_right_one(tmp_path: Path) -> None:
    door = door_with_user(tmp_path)
    wrong, right = {"name": "wang.li", "password": "wrong"}, {"name": "wang.li", "password": PASSWORD}
    client = door.client()
    assert [(await client.post("/login", data=wrong)).status_code for _ in range(5)] == [401] * 5
    late = await client.post("/login", data=right)
    assert (late.status_code, late.headers["retry-after"]) == (429, "60")
    assert (await door.client("127.0.0.2").post("/login", data=right)).status_code == 200
    door.at += timedelta(seconds=61)
    assert (await client.post("/login", data=right)).status_code == 200
    refused = [act for act in door.trail.acts if act.action == "sign_in_refused"]
    assert [act.person for act in refused] == ["wang.li"] * 5


async def test_an_unknown_name_is_not_recorded_it_may_be_a_password(tmp_path: Path) -> None:
    door = door_with_user(tmp_path)
    answer = await door.client().post("/login", data={"name": PASSWORD, "password": "wang.li"})
    known = await door_with_user(tmp_path).client().post("/login", data={"name": "wang.li", "password": "x"})
    assert (answer.status_code, known.status_code) == (401, 401)
    assert [act.person for act in door.trail.acts] == ["unknown"]
    assert PASSWORD not in repr(door.trail.acts)


async def test_nobody_comes_in_while_nothing_can_be_recorded(tmp_path: Path) -> None:
    door = door_with_user(tmp_path)
    door.trail.away = True
    answer = await door.client().post("/login", data={"name": "wang.li", "password": PASSWORD})
    assert (answer.status_code, answer.headers.get("set-cookie")) == (503, None)
    analyst = door.signed_in("analyst")
    for path in ("/search?q=暖气", f"/ticket/{door.archive.held[0].ticket_no}"):
        shown = await analyst.get(path)
        assert (shown.status_code, "十四度" in shown.text) == (503, False)
    assert door.archive.asked == []
    assert "先记入审计" in shown.text


async def test_a_clerks_session_ends_unused_and_a_shift_at_the_desk_does_not(tmp_path: Path) -> None:
    door = Door(tmp_path)
    clerk, both, analyst = door.signed_in("clerk"), door.signed_in("clerk", "desk"), door.signed_in("analyst")
    for _ in range(3):
        door.at += timedelta(minutes=29)
        assert (await clerk.get("/search")).status_code == 200
    door.at += timedelta(minutes=30)
    assert [(await one.get("/search")).status_code for one in (clerk, both, analyst)] == [303, 200, 200]
    door.at += timedelta(hours=10)
    assert [(await one.get("/search")).status_code for one in (both, analyst)] == [200, 200]
    door.at += timedelta(hours=1)
    assert [(await one.get("/search")).status_code for one in (both, analyst)] == [303, 303]


async def test_signing_out_is_recorded_and_takes_the_cookie_away(tmp_path: Path) -> None:
    door = Door(tmp_path)
    client = door.signed_in("analyst")
    page = await client.get("/search")
    answer = await client.post("/logout", data={"token": token(page.text)})
    assert answer.status_code == 303
    assert f'{COOKIE}=""; HttpOnly; Max-Age=0' in answer.headers["set-cookie"]
    assert door.trail.acts[-1].action == "signed_out"


def sessions(folder: Path, *keys: bytes) -> Sessions:
    return Sessions(keys or (KEY,), Users(folder / "users.json"), 12 * 3600)


def test_a_session_survives_a_restart_and_a_new_key_but_not_its_twelve_hours(tmp_path: Path) -> None:
    person, now = Person(name="wang.li", roles=("analyst",), cities=(CITY,), is_local=False), NOW.timestamp()
    value = sessions(tmp_path).written(sessions(tmp_path).begin(person, now))
    new = b"the next key, 32 bytes or more..."
    assert sessions(tmp_path, KEY, new).read(value, now + 12 * 3600 - 1) is not None
    assert sessions(tmp_path, KEY, new).read(value, now + 12 * 3600) is None
    assert sessions(tmp_path, new).read(value, now) is None
    assert sessions(tmp_path).read(value, now - 1) is None
    assert sessions(tmp_path).read(value[:-2] + "xx", now) is None
    assert sessions(tmp_path).read("", now) is None


def test_a_user_of_a_provider_is_thrown_out_too_and_may_come_in_again(tmp_path: Path) -> None:
    users, now = Users(tmp_path / "users.json"), NOW.timestamp()
    known = Sessions([KEY], users, 12 * 3600)
    person = Person(name="li.na", roles=("clerk",), cities=(CITY,), is_local=False)
    before = known.written(known.begin(person, now))
    Users(tmp_path / "users.json").end("li.na", now + 1)  # another process
    assert known.read(before, now + 2) is None
    assert known.read(known.written(known.begin(person, now + 2)), now + 2) is not None


def test_roles_and_cities_of_a_local_user_are_those_of_the_file_now(tmp_path: Path) -> None:
    users, now = Users(tmp_path / "users.json"), NOW.timestamp()
    users.add("wang.li", PASSWORD, ("clerk",), (CITY,), now - 10)
    known = Sessions([KEY], users, 12 * 3600)
    claimed = Person(name="wang.li", roles=("auditor",), cities=("110000",))
    value = known.written(known.begin(claimed, now))
    session = known.read(value, now)
    assert session is not None
    assert (session.person.roles, session.person.cities) == (("clerk",), (CITY,))
    users.remove("wang.li", now - 5)
    assert known.read(value, now) is None
    with pytest.raises(MisconfiguredError, match="no local user"):
        users.remove("wang.li", now)


def test_the_file_of_users_is_ours_alone_and_holds_no_password(tmp_path: Path) -> None:
    users = Users(tmp_path / "new" / "users.json")
    users.add("wang.li", PASSWORD, ("analyst",), (CITY,), 0)
    file = tmp_path / "new" / "users.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert PASSWORD not in file.read_text()
    assert "$argon2id$v=19$m=65536,t=3,p=4$" in file.read_text()
    assert users.checked("wang.li", PASSWORD) is not None
    assert [users.checked(*pair) for pair in (("wang.li", "no"), ("nobody", PASSWORD), ("wang.li", PASSWORD * 50))] == [
        None
    ] * 3
    file.chmod(0o640)
    with pytest.raises(MisconfiguredError, match="chmod 600"):
        Users(file).all()


@each_row(
    "name, password, roles, cities",
    [
        ("wang li", PASSWORD, ("analyst",), (CITY,)),
        ("wang.li", "short", ("analyst",), (CITY,)),
        ("wang.li", PASSWORD, ("root",), (CITY,)),
        ("wang.li", PASSWORD, (), (CITY,)),
        ("wang.li", PASSWORD, ("analyst",), ("沈阳",)),
        ("wang.li", PASSWORD, ("analyst",), ()),
    ],
)
def test_what_no_user_may_be(
    name: str, password: str, roles: tuple[str, ...], cities: tuple[str, ...], tmp_path: Path
) -> None:
    users = Users(tmp_path / "users.json")
    with pytest.raises(MisconfiguredError):
        users.add(name, password, roles, cities, 0)
    assert users.all() == {}


FORGED = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "none"},
    {"sec-fetch-site": "", "origin": "https://127.0.0.1"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {},
]


@pytest.mark.parametrize("headers", FORGED)
async def test_a_request_that_comes_from_elsewhere_does_nothing(headers: dict[str, str], tmp_path: Path) -> None:
    door = Door(tmp_path)
    client = door.signed_in("analyst")
    page = await client.get("/search")
    del client.headers["sec-fetch-site"]
    for path in ("/search", "/search.csv", "/logout", "/login"):
        answer = await client.post(path, data={"token": token(page.text), "q": "暖气"}, headers=headers)
        assert answer.status_code == 403
    assert (door.archive.asked, door.trail.acts) == ([], [])


async def test_an_old_browser_proves_itself_by_its_origin(tmp_path: Path) -> None:
    door = Door(tmp_path, origin=None)
    client = door.signed_in("analyst")
    page = await client.get("/search")
    del client.headers["sec-fetch-site"]
    data, ours = {"token": token(page.text), "q": "暖气"}, {"origin": "https://127.0.0.1"}
    assert (await client.post("/search", data=data, headers=ours)).status_code == 303
    told = Door(tmp_path, origin="https://console.example.cn").signed_in("analyst")
    del told.headers["sec-fetch-site"]
    assert (await told.post("/search", data=data, headers=ours)).status_code == 403


async def test_a_foreign_token_is_none(tmp_path: Path) -> None:
    door = Door(tmp_path)
    theirs = token((await door.signed_in("analyst").get("/search")).text)
    client = door.signed_in("analyst")
    ours = token((await client.get("/search")).text)
    for given in ("", theirs, "é"):
        assert (await client.post("/search", data={"token": given, "q": "暖气"})).status_code == 403
    by_header = await client.post("/search", data={"q": "暖气"}, headers={"x-session-token": ours})
    assert by_header.status_code == 303


async def test_every_answer_has_the_security_headers(tmp_path: Path) -> None:
    door = Door(tmp_path)
    client = door.signed_in("analyst")
    paths = ["/login", "/search", "/search?q=暖气", "/nowhere", "/healthz", "/ticket/x", "/search.csv"]
    for answer in [await client.get(path) for path in paths]:
        for name, value in HEADERS.items():
            assert answer.headers[name.lower()] == value
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "*" not in policy
    assert policy.startswith("default-src 'none'")


async def test_a_body_beyond_64_kib_is_refused(tmp_path: Path) -> None:
    answer = await Door(tmp_path).client().post("/login", data={"name": "x" * 70_000})
    assert answer.status_code == 413
