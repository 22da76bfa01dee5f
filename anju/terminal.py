"""What a command shows on the terminal while it works: always on stderr, stdout is for results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


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
    """One bar of work that says how many it has done of how many; none while nothing is done."""
    progress = bars(console)
    tasks: list[TaskID] = []

    def tell(done: int, total: int) -> None:
        if not tasks:
            progress.start()
            tasks.append(progress.add_task(what, total=total))
        progress.update(tasks[0], completed=done, total=total)

    try:
        yield tell
    finally:
        if tasks:
            progress.stop()
