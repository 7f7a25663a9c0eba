"""Who is told how far a start has come."""

from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from hotline.translation import t


class Progress(Protocol):
    """Listens to a start."""

    def say(self, text: str) -> None:
        """Hear what is being done now."""
        ...

    def bar(self, text: str, done: int, total: int) -> None:
        """Hear how many of `total` bytes are there."""
        ...


class Silent:
    """Listens and says nothing."""

    def say(self, text: str) -> None:
        """Ignore it."""

    def bar(self, text: str, done: int, total: int) -> None:
        """Ignore it."""


SILENT = Silent()


class _Bytes(DownloadColumn):
    """Bytes where they are known, nothing where they are not."""

    def render(self, task: Task) -> Text:
        return super().render(task) if task.total else Text()


class Shown:
    """Shows one line on the terminal while a `with` block lasts; plain sentences where there is no terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bars = Bars(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            _Bytes(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task: TaskID | None = None
        self._said = ""

    def __enter__(self) -> "Shown":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Show a sentence with a spinner."""
        self._show(text, 0, None)

    def bar(self, text: str, done: int, total: int) -> None:
        """Show a sentence with a bar."""
        self._show(text, done, total)

    def count(self, text: str, done: int, total: int | None = None) -> None:
        """Show a sentence with how many are done, where there is a terminal."""
        if self._console.is_terminal:
            self._show(f"{t(text)}: {done}" + (f"/{total}" if total is not None else ""), 0, None)

    def _show(self, text: str, done: int, total: int | None) -> None:
        text = t(text)
        if not self._console.is_terminal and text != self._said:
            self._console.print(text, highlight=False)
        if text != self._said:
            self._replace(text, total)
        if self._task is not None:
            self._bars.update(self._task, completed=done)
        self._said = text

    def _replace(self, text: str, total: int | None) -> None:
        if self._task is not None:
            self._bars.remove_task(self._task)
        self._task = self._bars.add_task(text, total=total)
