"""What a person sees while a search runs: the best so far, candidates a minute, the time that is left."""

import time
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from .search import Search


class Display:
    """A bar for the current layer under the lines of the finished ones; without a terminal the lines alone."""

    def __init__(self) -> None:
        self.console = Console(highlight=False)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn(
                "{task.completed:.0f}/{task.total:.0f}  best {task.fields[best]}  {task.fields[rate]}  {task.fields[left]}"
            ),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task = self.bar.add_task("", total=1, best="", rate="", left="", visible=False)
        self.place, self.start, self.before = "", 0.0, 0

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def say(self, line: str) -> None:
        self.bar.update(self.task, visible=False)
        self.console.print(line, markup=False, soft_wrap=True)

    def step(self, place: str, total: int, search: Search, deadline: float | None) -> None:
        finished = search.finished()
        if place != self.place:
            # The first batch's own start is not known; its trials are left out of the rate.
            self.place, self.start, self.before = place, time.monotonic(), len(finished)
        values = [t.value for t in finished if t.value is not None]
        minutes = (time.monotonic() - self.start) / 60
        rate = (len(finished) - self.before) / minutes if len(finished) > self.before and minutes > 0 else 0.0
        left = (total - len(finished)) / rate * 60 if rate else 0.0
        if deadline is not None:
            left = min(left, max(deadline - time.monotonic(), 0))
        self.bar.update(
            self.task,
            description=place,
            total=total,
            completed=len(finished),
            best=f"{min(values):.3f} of the defaults" if values else "-",
            rate=f"{rate:.0f} a minute" if rate else "",
            left=f"{left / 60:.0f} min left" if left > 90 else f"{left:.0f} s left" if rate else "",
            visible=True,
        )
