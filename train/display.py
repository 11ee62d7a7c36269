"""What a user sees while a network trains: a bar with loss, accuracy, spike rate and time left."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn


class Display:
    """A bar on a terminal; elsewhere (a log file) a line for every tenth of the epochs."""

    def __init__(self, console: Console, epochs: int, steps: int, done: int) -> None:
        self.console, self.epochs, self.steps = console, epochs, steps
        columns = (
            TextColumn("epoch {task.fields[epoch]}/" + str(epochs)),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self.task = self.bar.add_task("", total=epochs * steps, completed=done * steps, epoch=done + 1, figures="")
        self.validation = ""

    def step(self, epoch: int, loss: float, accuracy: float, rate: float) -> None:
        """Show the running means of the epoch."""
        figures = f"loss {loss:.3f}  accuracy {100 * accuracy:5.1f} %  spikes {rate:.3f}{self.validation}"
        self.bar.update(self.task, advance=1, epoch=epoch, figures=figures)

    def epoch(self, epoch: int, loss: float, accuracy: float, validation: float, rate: float) -> None:
        """Show the end of an epoch."""
        self.validation = f"  validation {100 * validation:.1f} %"
        if not self.console.is_terminal and (epoch % max(self.epochs // 10, 1) == 0 or epoch == self.epochs):
            self.console.print(
                f"epoch {epoch}/{self.epochs}  loss {loss:.3f}  accuracy {100 * accuracy:.1f} %  "
                f"validation {100 * validation:.1f} %  spikes {rate:.3f}",
                highlight=False,
            )


@contextmanager
def display(console: Console, epochs: int, steps: int, done: int) -> Iterator[Display]:
    """Show progress within the block."""
    shown = Display(console, epochs, steps, done)
    with shown.bar:
        yield shown
