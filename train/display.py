"""What a user sees while a network trains: a bar with loss, accuracy, spike rate and time left."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from basalt.train.stepper import Figures


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

    def step(self, epoch: int, done: int, figures: Figures) -> None:
        """Show the running means of the epoch after `done` of its steps."""
        text = f"loss {figures.loss:.3f}  accuracy {100 * figures.accuracy:5.1f} %"
        text += f"  spikes {figures.rate:.3f}" if figures.rates else ""
        completed = (epoch - 1) * self.steps + done
        self.bar.update(self.task, completed=completed, epoch=epoch, figures=text + self.validation)

    def epoch(self, epoch: int, row: dict[str, Any]) -> None:
        """Show the end of an epoch from its row of the log."""
        validation = row.get("validation_accuracy_integer", row.get("validation_accuracy_float"))
        if validation is not None:
            self.validation = f"  validation {100 * validation:.1f} %"
        if not self.console.is_terminal and (epoch % max(self.epochs // 10, 1) == 0 or epoch == self.epochs):
            rates = [value for key, value in row.items() if key.startswith("spike_rate_")]
            self.console.print(
                f"epoch {epoch}/{self.epochs}  loss {row['loss']:.3f}  accuracy {100 * row['accuracy']:.1f} %"
                f"{self.validation}" + (f"  spikes {sum(rates) / len(rates):.3f}" if rates else ""),
                highlight=False,
            )


@contextmanager
def display(console: Console, epochs: int, steps: int, done: int) -> Iterator[Display]:
    """Show progress within the block."""
    shown = Display(console, epochs, steps, done)
    with shown.bar:
        yield shown
