"""The page of settings: path in hotline.toml, environment variable, type, default and meaning of each."""

from collections.abc import Iterator
from typing import Any

from hotline.config.errors import FILE_VARIABLE, SECRETS_VARIABLE, variable_of
from hotline.config.load import DEFAULT_SECRETS_DIR
from hotline.config.settings import Settings
from hotline.dev.reference.markdown import code, page, prose, table
from schemas.errors import MisconfiguredError

OTHER_VARIABLES = {
    FILE_VARIABLE: "The settings file; `hotline.toml` in the working folder by default",
    "HOTLINE_LANG": "Language of the command line, `zh` or `en`; by default that of `LC_ALL`, `LC_MESSAGES` or `LANG`",
    SECRETS_VARIABLE: f"Folder of the secrets' files; {DEFAULT_SECRETS_DIR} by default",
    "HOTLINE_DATA": "Tests only: a folder of real messages; tests that want one are skipped without it",
    "HOTLINE_WRITE_CASES": "Tests only: with 1 the golden cases of `tests/normalizers/cases/` are written anew",
    "HOTLINE_WALKS": "Tests only: the seeds, as 1-200, of the random walks of `tests/tickets/walk/`",
    "HOTLINE_REQUIRE_PEERS": "Tests only: with 1 a missing peer (Dovecot, node) is a failure and no reason to skip",
}
"""Variables with our prefix that name no setting."""

_INTRO = f"""\
Each setting has a path in `hotline.toml` and an environment variable: `HOTLINE_` + the path in capitals, `__` between
its parts. Flags beat the environment, the environment beats the secrets folder (`{SECRETS_VARIABLE}`: one file for
each secret, named like its variable), that beats `hotline.toml`, and that beats the defaults. A list in a variable is
JSON or has commas. **Secrets** are refused in `hotline.toml`. `<id>` is a name of your own in lower_snake_case; it is
the account's name in `ce_source`, so never change it. `hotline check` names every fault."""

_HEADER = ("Setting", "Variable", "Type", "Default", "Meaning")

Path = tuple[str, ...]
Node = dict[str, Any]


def render() -> str:
    """Return the page."""
    schema = Settings.model_json_schema()
    sections = (_section(*found) for found in _tables(schema, schema["$defs"], ()))
    others = table(("Variable", "Meaning"), [(code(name), prose(text)) for name, text in OTHER_VARIABLES.items()])
    return page("Settings", _INTRO, *sections, "## Variables that are no settings", others)


def _tables(table: Node, known: Node, path: Path) -> Iterator[tuple[Path, Node, dict[str, Node]]]:
    """Yield each table of the TOML, parents first, with the settings that stand in it."""
    inner = {name: _inner(node, known) for name, node in table["properties"].items()}
    own = {name: node for name, node in table["properties"].items() if inner[name] is None}
    if own:
        yield path, table, own
    for name, found in inner.items():
        if found is not None:
            step, below = found
            yield from _tables(below, known, (*path, name, *step))


def _inner(node: Node, known: Node) -> tuple[Path, Node] | None:
    """Return the table that a key leads to, and the id between them if the user chooses one."""
    if "$ref" in node:
        return (), known[node["$ref"].rpartition("/")[2]]
    optional = [one for one in node.get("anyOf", ()) if "$ref" in one]
    if optional:
        return (), known[optional[0]["$ref"].rpartition("/")[2]]
    each = _each(node)
    return (("<id>",), known[each["$ref"].rpartition("/")[2]]) if "$ref" in each else None


def _each(node: Node) -> Node:
    """Return what stands behind each id of a table; a table that says how ids are written has it elsewhere."""
    patterns: Node = node.get("patternProperties", {})
    each: Node = next(iter(patterns.values()), {}) or node.get("additionalProperties", {})
    return each


def _section(path: Path, table_: Node, settings: dict[str, Node]) -> str:
    heading = f"## {code('[' + '.'.join(path) + ']')}" if path else "## At the top"
    about = prose(table_["description"].partition(";")[0].rstrip(".")) + "." if path else ""
    required = table_.get("required", ())
    rows = [_row((*path, name), node, name in required) for name, node in settings.items()]
    return "\n\n".join(part for part in (heading, about, table(_HEADER, rows)) if part)


def _row(path: Path, node: Node, required: bool) -> tuple[str, ...]:
    whole = (*path, "<id>") if _each(node) else path
    if "description" not in node:
        raise MisconfiguredError(f"The setting {'.'.join(whole)} has no description: add one to its Field.")
    default = "**needed**" if required else _default(node.get("default"))
    return code(".".join(whole)), code(variable_of(whole)), kind(node), default, prose(node["description"])


def _default(value: Any) -> str:
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, list):
        return code(",".join(value))
    return code(str(value).lower() if isinstance(value, bool) else str(value))


def kind(node: Node) -> str:
    """Return the type of a setting in words."""
    if "anyOf" in node:
        return " or ".join(kind(one) for one in node["anyOf"] if one["type"] != "null")
    if node["type"] == "array":
        return f"list of {kind(node['items'])}"
    if node["type"] == "object":
        return f"table of {kind(_each(node))}"
    if "enum" in node:
        return " \N{MIDDLE DOT} ".join(code(choice) for choice in node["enum"])
    return _scalar(node) + _range(node)


def _scalar(node: Node) -> str:
    if node.get("writeOnly"):
        return "**secret**"
    if node.get("format") == "path":
        return "path"
    return "text" if node["type"] == "string" else str(node["type"])


_BOUNDS = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}", "exclusiveMaximum": "below {}"}


def _range(node: Node) -> str:
    bounds = [form.format(node[bound]) for bound, form in _BOUNDS.items() if bound in node]
    pattern = [f"like {code(node['pattern'])}"] if "pattern" in node else []
    return "".join(f" {bound}" for bound in (*bounds, *pattern))
