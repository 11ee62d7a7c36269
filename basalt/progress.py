"""One progress bar for everything that takes over two seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from basalt.shown import VALUE_LONGEST, console, shown


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on stderr; yields the function to call with (done, total)."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as bar:
        task = bar.add_task(shown(title, VALUE_LONGEST), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
