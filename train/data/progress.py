"""A progress bar for what takes longer than two seconds."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_PATIENCE = 2.0


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of items done; a bar appears on standard error after two seconds."""
    began = time.monotonic()
    done = 0
    bar: Any = None
    task: Any = None

    def advance(count: int) -> None:
        nonlocal done, bar, task
        done += count
        if bar is None and time.monotonic() - began > _PATIENCE:
            bar, task = _bar(title, total)
        if bar is not None:
            bar.update(task, completed=done)

    try:
        yield advance
    finally:
        if bar is not None:
            bar.stop()


def _bar(title: str, total: int) -> tuple[Any, Any]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from basalt.shown import VALUE_LONGEST, console, shown

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console(stderr=True), transient=True)
    bar.start()
    return bar, bar.add_task(shown(title, VALUE_LONGEST), total=total)
