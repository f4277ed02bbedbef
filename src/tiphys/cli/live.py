"""What `run` shows meanwhile: a live tree on a terminal, a line a change elsewhere."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.console import Console, ConsoleRenderable
from rich.live import Live
from rich.text import Text

from tiphys.cli.tree import SIGNS, detail, headline, spell, tree
from tiphys.report.rows import Row, rows

REFRESH_HZ = 8


class Display:
    """Shows each state of a run it is given, until the `with` block ends.

    It satisfies `tiphys.runtime.Observer`.
    """

    def __init__(self, console: Console, clock: Callable[[], datetime], context: str = "") -> None:
        self._console, self._clock, self._context = console, clock, context
        self._workflow: Mapping[str, Any] | None = None
        self._said: dict[str, str] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live = Live(
                console=self._console,
                refresh_per_second=REFRESH_HZ,
                get_renderable=self._picture,
                vertical_overflow="visible",
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def changed(self, workflow: Mapping[str, Any]) -> None:
        """Take the newest state of the run."""
        first, self._workflow = self._workflow is None, workflow
        if self._live is None:
            if first:
                self._console.print(headline(workflow, self._clock(), self._context))
            for row in rows(workflow):
                self._say(row)

    def warned(self, text: str) -> None:
        """Print a warning above the tree."""
        self._console.print(Text(f"! {text}", style="yellow"), soft_wrap=True)

    def _picture(self) -> ConsoleRenderable:
        if self._workflow is None:
            return Text("")
        return tree(self._workflow, self._clock(), self._context)

    def _say(self, row: Row) -> None:
        """Print *row* once for each phase and attempt it reaches."""
        state = f"{row.phase} {len(row.attempts)}"
        if not row.phase or self._said.get(row.node or row.name) == state:
            return
        self._said[row.node or row.name] = state
        elapsed = row.duration(self._clock()) if row.finished else None
        took = "" if elapsed is None else spell(elapsed)
        words = Text.from_markup(detail(row, moving=False)).plain
        sign, _ = SIGNS.get(row.phase, SIGNS[""])
        line = f"{sign} {'  ' * row.depth}{row.name:<12} {row.phase:<9} {took:>7}  {words}"
        self._console.print(Text(line.rstrip()), soft_wrap=True)
