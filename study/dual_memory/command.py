"""Repeat the ablations of dual memory pathways: `basalt ablate dual-memory`."""

from basalt.options import opened
from basalt.study.dual_memory.options import Options
from basalt.study.options import StudyOptions


@opened
def dual_memory(own: Options, options: StudyOptions) -> None:
    """Ablations of dual memory pathways: trainings, then report.html and results.json with a verdict on each claim.

    Stop it when you like: the same command goes on where it was.
    """
    from basalt.study.conduct import conduct
    from basalt.study.dual_memory.observe import observe
    from basalt.study.dual_memory.page import report
    from basalt.study.dual_memory.study import build
    from basalt.study.study import StudyKind

    conduct(StudyKind(f"dual-memory-{own.task}", build, observe, report), own, options)
