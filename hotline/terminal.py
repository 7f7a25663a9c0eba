"""The terminal: rich's console, on which no stranger's characters move the cursor or turn a line around."""

from collections.abc import Iterable

from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from hotline.output import readable


class Console(RichConsole):
    """rich's console; whatever it prints is `readable`, its own control codes apart."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments to print."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(readable(segment.text), segment.style)
