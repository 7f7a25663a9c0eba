"""Compiles the rules once for an installation: `python -m normalizers.precompile [FOLDER]`, as `compileall` does code.

Each process then starts without compiling them. With a city's folder its own rules are compiled as well. Run it after
each installation and after a change of rules; without it everything is compiled at each start.
"""

import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import normalizers
from normalizers.rules import Rules, precompiled


def compile_rules(folder: Path | None = None) -> dict[bytes, object]:
    """Return the results of all rules, made anew, of a process that has not read any.

    Modules compile expressions of their own when they are imported: here none is before the results are recorded.
    """
    rules = Rules(folder)
    with precompiled.recorded() as results:
        for module in walk_packages(normalizers.__path__, "normalizers."):
            import_module(module.name)
        _work_through(rules)
    return results


def _work_through(rules: Rules) -> None:
    from normalizers import warmup
    from normalizers.base import Policy
    from normalizers.pii import detect
    from normalizers.pipeline import normalize
    from normalizers.rulebooks import RULEBOOKS

    for parts in RULEBOOKS.values():
        for part in parts:
            part(rules)
    warmup.work_through(lambda raw: normalize(raw, Policy(rules=rules)))
    detect.look(warmup.TEXT, rules)


def main() -> None:
    """Write the file."""
    precompiled.write(compile_rules(Path(sys.argv[1]) if len(sys.argv) > 1 else None))


if __name__ == "__main__":
    main()
