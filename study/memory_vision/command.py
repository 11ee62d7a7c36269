"""Repeat the ablation of memory-augmented vision: `basalt ablate memory-vision`."""

from basalt.options import opened
from basalt.study.memory_vision.options import Options
from basalt.study.options import StudyOptions


@opened
def memory_vision(own: Options, options: StudyOptions) -> None:
    """Memory-augmented vision: contrastive loss, Hopfield memory and HGRN in all combinations, each over seeds.

    Writes report.html and results.json with a verdict on each claim of the paper. Stop it when you like: the same
    command goes on where it was.
    """
    from basalt.study.conduct import conduct
    from basalt.study.memory_vision.observe import observe, supplement
    from basalt.study.memory_vision.page import report
    from basalt.study.memory_vision.study import build
    from basalt.study.study import StudyKind

    conduct(StudyKind(f"memory-vision-{own.task}", build, observe, report, supplement), own, options)
