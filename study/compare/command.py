"""Networks of one task on the same machines, side by side: `basalt compare`."""

from basalt.options import opened
from basalt.study.compare.options import CompareOptions


@opened
def compare(options: CompareOptions) -> None:
    """Networks of one task on the same machines: accuracy, energy and time of an inference, side by side.

    Each runs on near-memory cores (one core per layer, priced by near-memory-22nm) and on the backend compiled, whose
    counts the other tables price. Energy is dynamic + leakage [cyan]in real time[/cyan], over the duration of the
    steps, and beside it [cyan]at full speed[/cyan], for as long as an inference computes; each step ends
    with the slowest layer, where the table or the schedule knows durations. What does not fit into the core is marked
    with †.
    """
    from basalt.study.compare.study import conduct

    conduct(options)
