"""Train and judge the study of leakage, reset and recurrence: `basalt study lif-roles`."""

from basalt.options import opened
from basalt.study.lif_roles.options import Options
from basalt.study.options import StudyOptions


@opened
def lif_roles(own: Options, options: StudyOptions) -> None:
    """What leakage, reset and recurrence do: accuracy, generalisation, robustness, rates and cost of LIF neurons.

    Writes report.html and results.json with a verdict on each published claim, and advice. Stop it when you like: the
    same command goes on where it was. `basalt study price` adds what inferences cost on the price tables' machines.
    """
    from basalt.study.conduct import conduct
    from basalt.study.lif_roles.observe import observe, supplement
    from basalt.study.lif_roles.page import report
    from basalt.study.lif_roles.study import build
    from basalt.study.study import StudyKind

    conduct(StudyKind("lif-roles", build, observe, report, supplement), own, options)
