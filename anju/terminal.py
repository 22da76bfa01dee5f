"""What a command shows on the terminal while it works: always on stderr, stdout is for results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def bars(console: Console | None = None, *, shown: bool = True) -> Progress:
    """Progress bars in the one look that all commands have; each task tells done, all and time."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console or Console(stderr=True),
        disable=not shown,
    )


@contextmanager
def told(what: str, console: Console | None = None) -> Iterator[Callable[[int, int], None]]:
    """One bar of work that says how many it has done of how many."""
    with bars(console) as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)
