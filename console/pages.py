"""The table of pages: navigation, rights and the tests of rights come from it; a page without a row does not exist."""

from typing import Literal

from msgspec import Struct

from console.rights import Right

Access = Literal["anybody", "signed_in"]


class Page(Struct, frozen=True, kw_only=True):
    """One page. `right` is what it takes beside a sign-in; `of_city` pages show one record, of one city.

    `at_desk` pages show hand-overs in clear: they exist in the component `console:desk` alone.
    """

    name: str
    path: str
    access: Access = "signed_in"
    right: Right | None = None
    methods: tuple[str, ...] = ("GET",)
    of_city: bool = False
    in_navigation: bool = False
    at_desk: bool = False


PAGES: tuple[Page, ...] = (
    Page(name="login", path="/login", access="anybody", methods=("GET", "POST")),
    Page(name="provider", path="/login/provider", access="anybody"),
    Page(name="callback", path="/login/callback", access="anybody"),
    Page(name="logout", path="/logout", methods=("POST",)),
    Page(name="home", path="/"),
    Page(name="desk", path="/desk", right="handovers", in_navigation=True, at_desk=True),
    Page(name="desk_stream", path="/desk/stream", right="handovers", at_desk=True),
    Page(
        name="acknowledge",
        path="/desk/{name}/acknowledge",
        right="acknowledge",
        methods=("POST",),
        of_city=True,
        at_desk=True,
    ),
    Page(name="search", path="/search", right="search", methods=("GET", "POST"), in_navigation=True),
    Page(name="export", path="/search.csv", right="export", methods=("POST",)),
    Page(name="ticket", path="/ticket/{name}", right="search", of_city=True),
)
