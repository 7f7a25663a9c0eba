"""An Elasticsearch that lives for minutes."""

from pathlib import Path


def light(folder: Path) -> None:
    """Let the node of a data folder compile quickly: to do so thoroughly takes half of its CPU in its first minutes."""
    (folder / "elasticsearch").mkdir(exist_ok=True)
    (folder / "elasticsearch" / "jvm.options").write_text("-XX:TieredStopAtLevel=1\n")
