"""Sign-in and sign-out: local users by password, others by the provider; both are recorded before they take effect."""

import asyncio
import math

from starlette.responses import RedirectResponse, Response

from console import metrics
from console.oidc import STATE_COOKIE, RefusedSignInError
from console.session import COOKIE, Person, set_cookie
from console.trail import UNKNOWN, Act
from console.visit import Services, Visit

_LONGEST_NAME = 40


async def sign_in(services: Services, visit: Visit) -> Response:
    """Show the form, or check a password."""
    form = dict(visit.form)
    there = safe_path(form.get("next") or visit.request.query_params.get("next", ""))
    if visit.request.method != "POST":
        return RedirectResponse(there, 303) if visit.session else _form(services, visit, there)
    name, address = form.get("name", "").strip()[:_LONGEST_NAME], _address(visit)
    now = visit.now.timestamp()
    if (wait := services.tries.wait(name, address, now)) > 0:
        metrics.SIGN_INS.labels("limited").inc()
        return _form(services, visit, there, name=name, fault="limited", seconds=math.ceil(wait))
    user = await asyncio.to_thread(services.users.checked, name, form.get("password", ""))
    if user is None:
        services.tries.failed(name, address, now)
        known = name in services.users.all()
        await _refused(services, name if known else None, "password")
        return _form(services, visit, there, name=name, fault="wrong")
    person = Person(name=name, roles=user.roles, cities=user.cities)
    return await _begin(services, visit, person, there)


async def to_provider(services: Services, visit: Visit) -> Response:
    """Send a person to the provider."""
    if services.provider is None:
        return visit.page("message.html", "missing", status=404)
    return await services.provider.begin(visit.request, safe_path(visit.request.query_params.get("next", "")))


async def from_provider(services: Services, visit: Visit) -> Response:
    """Take a person who comes back from the provider."""
    if services.provider is None:
        return visit.page("message.html", "missing", status=404)
    try:
        person, there = await services.provider.end(visit.request)
    except RefusedSignInError as refused:
        await _refused(services, refused.name, refused.why)
        response = _form(services, visit, "/", fault="role" if refused.name else "provider")
    else:
        response = await _begin(services, visit, person, safe_path(there))
    set_cookie(response, STATE_COOKIE, "", 0, strict=False)  # used once
    return response


async def sign_out(services: Services, visit: Visit) -> Response:
    """End the session in this browser."""
    session = visit.signed_in
    await services.trail.record(Act(action="signed_out", person=session.person.name, run=session.id))
    response = RedirectResponse("/login", 303)
    set_cookie(response, COOKIE, "", 0)
    return response


def safe_path(there: str) -> str:
    """Return a path of this site; anything else is the first page. Browsers take a backslash for a slash."""
    is_ours = there.startswith("/") and not there.startswith("//") and "\\" not in there and there.isprintable()
    return there if is_ours else "/"


async def _begin(services: Services, visit: Visit, person: Person, there: str) -> Response:
    session = services.sessions.begin(person, visit.now.timestamp())
    details = {"roles": person.roles, "cities": person.cities, "local": person.is_local}
    await services.trail.record(Act(action="signed_in", person=person.name, run=session.id, details=details))
    metrics.SIGN_INS.labels("done").inc()
    # A page, no redirect: a chain of redirects that began at the provider carries no cookie that is SameSite=Strict.
    response = visit.page("signed_in.html", "signed_in", there=there)
    services.sessions.set(response, session)
    return response


async def _refused(services: Services, name: str | None, why: str) -> None:
    metrics.SIGN_INS.labels("refused").inc()
    await services.trail.record(Act(action="sign_in_refused", person=name or UNKNOWN, details={"why": why}))


def _form(
    services: Services, visit: Visit, there: str, *, name: str = "", fault: str = "", seconds: int = 0
) -> Response:
    status = {"": 200, "limited": 429}.get(fault, 401)
    response = visit.page(
        "login.html", "login", status=status,
        there=there, given=name, fault=fault, seconds=seconds,
        has_provider=services.provider is not None,
        has_users=services.provider is None or any(user.password for user in services.users.all().values()),
    )  # fmt: skip
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


def _address(visit: Visit) -> str:
    return visit.request.client.host if visit.request.client else ""
