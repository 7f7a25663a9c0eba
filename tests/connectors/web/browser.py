"""A browser without scripts: it reads a page, fills in the form that is on it, and sends what a browser sends."""

from typing import Any

import html5lib
import httpx

NS = {"h": "http://www.w3.org/1999/xhtml"}


class Page:
    """A page, parsed as HTML5 by a parser that forgives nothing."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.text = answer.text
        self.root = html5lib.HTMLParser(strict=True).parse(answer.text)

    @property
    def status(self) -> int:
        return self.answer.status_code

    def all(self, path: str) -> list[Any]:
        """Return the elements of a path such as `.//h:input`."""
        return list(self.root.findall(path, NS))

    def texts(self, path: str) -> list[str]:
        """Return what stands in the elements of a path."""
        return ["".join(one.itertext()).strip() for one in self.all(path)]

    @property
    def facts(self) -> dict[str, str]:
        """Return the list of terms on the page."""
        return dict(zip(self.texts(".//h:dt"), self.texts(".//h:dd"), strict=True))

    def filled(self, **values: str) -> dict[str, str]:
        """Return the form's fields with these in them."""
        (form,) = self.all(".//h:form")
        fields = {one.get("name"): one.get("value", "") for one in form.iter(f"{{{NS['h']}}}input")}
        for name in ("confidential", "files"):
            fields.pop(name, None)
        for one in form.iter(f"{{{NS['h']}}}textarea"):
            fields[one.get("name")] = "".join(one.itertext()).removeprefix("\n")
        for one in form.iter(f"{{{NS['h']}}}select"):
            chosen = [each for each in one if each.get("selected") is not None]
            fields[one.get("name")] = chosen[0].get("value") if chosen else ""
        return fields | values


def parts(fields: dict[str, str]) -> list[tuple[str, tuple[None, str]]]:
    """Return the fields for httpx to send as multipart/form-data."""
    return [(name, (None, value)) for name, value in fields.items()]


async def visit(client: httpx.AsyncClient, path: str = "/web", **headers: str) -> Page:
    """Open a page."""
    return Page(await client.get(path, headers=headers))


async def send(
    client: httpx.AsyncClient, fields: dict[str, str], files: list[Any] | None = None, **headers: str
) -> httpx.Response:
    """Press the button; the answer is not followed."""
    return await client.post("/web", files=[*parts(fields), *(files or [])], headers=headers)
