"""The conclusions of the paper on dual memory pathways, and what measures each."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from basalt.study.dual_memory.results import Results
from basalt.study.dual_memory.study import PIXELS, SOUNDS, Variant
from basalt.study.verdicts import Claim, Measured, Verdict, judge

TOLERANCE = 2.0
"""Points of accuracy that count as nothing."""

DECADES = -2.0
"""A gradient is kept if its first tenth of the steps has more than a hundredth of what its last has."""


@dataclass(frozen=True)
class PartClaim(Claim):
    """A conclusion of the paper that a part of the study tests; `like` are the tasks that it is about, all if empty."""

    part: str = ""
    like: str = ""


def _claim(
    text: str, part: str, unit: str, side: str, limit: float, measure: Callable[[Results], Measured], like: str = ""
) -> PartClaim:
    def in_part(results: Results) -> Measured:
        return measure(results) if part in results.study.parts else Measured(None, f"the part {part} was left out", [])

    return PartClaim(text, unit, side, limit, in_part, part, like)


def verdicts(results: Results) -> list[Verdict]:
    """All claims about the task, judged."""
    like = results.study.task.like
    return [judge(claim, results) for claim in CLAIMS if claim.like in ("", like)]


def _gain(results: Results, left: Variant, right: Variant, compared: str) -> Measured:
    """Points of accuracy by which `left` is better."""
    effect, networks = results.gain(left, right), results.compared(left, right)
    if effect is None:
        return Measured(None, f"{compared}: a training is missing, or seeds are too few", networks)
    return Measured(effect.times(100), compared, networks)


def _above_chance(results: Results) -> Measured:
    base = results.study.base
    slow = replace(base, fast=False)
    effect, networks = results.accuracy(slow), results.compared(base, slow)
    if effect is None:
        return Measured(None, "the networks without a fast path are missing", networks)
    shift = results.chance
    above = replace(effect, value=effect.value - shift, low=effect.low - shift, high=effect.high - shift)
    compared = f"accuracy with W_f = 0, {100 * effect.value:.1f} %, less chance"
    return Measured(above.times(100), compared, networks)


def _memory(results: Results) -> Measured:
    return _gain(results, results.study.base, Variant("fsnn"), "dual memory less feed-forward")


def _against(architecture: str, name: str) -> Callable[[Results], Measured]:
    return lambda results: _gain(results, results.study.base, Variant(architecture), f"dual memory less {name}")


def _few_states(results: Results) -> Measured:
    study = results.study
    units = study.experiment(study.base, 1).settings["network.layers"][0]["units"]
    fewer = [d for d in study.size.states if d <= units / 10]
    most = max(study.size.states)
    if not fewer or max(fewer) == most:
        return Measured(None, f"the map has no d on both sides of a tenth of the {units} neurons", [])
    few = max(fewer)
    base = study.base
    return _gain(results, replace(base, states=most), replace(base, states=few), f"d = {most} less d = {few}")


def _windows(results: Results) -> tuple[float, float, float]:
    """The shortest θ of the map, the least that is a quarter of T, and the longest."""
    windows, steps = results.study.size.windows, results.study.task.steps
    long = [w for w in windows if w >= steps / 4]
    return min(windows), min(long, default=max(windows)), max(windows)


def _at(results: Results, left: float, right: float) -> Measured:
    base = results.study.base
    if left == right:
        return Measured(None, "the map has no θ on both sides of a quarter of T", [])
    return _gain(results, replace(base, window=left), replace(base, window=right), f"θ = {left:g} less θ = {right:g}")


def _quarter_is_enough(results: Results) -> Measured:
    _, quarter, longest = _windows(results)
    return _at(results, longest, quarter)


def _less_is_not(results: Results) -> Measured:
    shortest, quarter, _ = _windows(results)
    return _at(results, quarter, shortest)


def _held(results: Results) -> Measured:
    base, longest = results.study.base, max(i for i in results.study.size.intervals if i <= 10)
    return _gain(results, base, replace(base, interval=longest), f"d_s = 1 less d_s = {longest}")


def _ends(results: Results) -> tuple[Variant, Variant, str]:
    windows = results.study.size.delay_windows
    long, short = (replace(results.study.base, window=w, delays=True) for w in (max(windows), min(windows)))
    return long, short, f"with delays, θ = {long.window:g} less θ = {short.window:g}"


def _faster(results: Results) -> Measured:
    long, short, compared = _ends(results)
    effect, networks = results.slower(long, short), results.compared(long, short)
    if effect is None:
        return Measured(None, f"{compared}: needs two seeds or more", networks)
    return Measured(effect, f"{compared}, epochs to 90 % of the worst run's best validation accuracy", networks)


def _shrink(results: Results) -> Measured:
    long, short, compared = _ends(results)
    effect = results.shorter(long, short)
    said = f"{compared}, mean learned delay" if effect else f"{compared}: trainings are missing"
    return Measured(effect, said, results.compared(long, short))


def _reach(results: Results) -> Measured:
    base = results.study.base
    effect = results.reach(base)
    return Measured(effect, f"dual memory: {_NORMS}" if effect else _NO_NORMS, results.compared(base))


def _further(results: Results) -> Measured:
    base, other = results.study.base, Variant("fsnn")
    effect = results.further(base, other)
    said = f"dual memory less feed-forward: {_NORMS}" if effect else _NO_NORMS
    return Measured(effect, said, results.compared(base, other))


_NORMS = "‖∂L/∂x‖ in the first tenth of the steps against the last tenth, after training"
_NO_NORMS = "trainings are missing, or no gradient flows at all"


_POINTS, _LOG = "points", "decades"
CLAIMS = (
    _claim("Without the fast path, W_f = 0, accuracy is chance.", "paths", _POINTS, "at most", 10.0, _above_chance),
    _claim("The slow memory adds accuracy to a feed-forward network.", "paths", _POINTS, "at least", 0.0, _memory),
    _claim(
        "Dual memory beats recurrence.",
        "architectures", _POINTS, "at least", 0.0, _against("rsnn", "recurrent"),
    ),
    _claim(
        "Dual memory beats learned delays.",
        "architectures", _POINTS, "at least", 0.0, _against("dsnn", "delayed"),
    ),
    _claim("A few states suffice: d of a tenth of the neurons.", "grid", _POINTS, "at most", TOLERANCE, _few_states),
    _claim("θ of a quarter of T is enough.", "grid", _POINTS, "at most", TOLERANCE, _quarter_is_enough),
    _claim("θ well below a quarter of T costs accuracy.", "grid", _POINTS, "at least", 0.0, _less_is_not),
    _claim(
        "Update intervals d_s up to about 10 cost almost nothing (S-MNIST, PS-MNIST).",
        "interval", unit=_POINTS, side="at most", limit=TOLERANCE, measure=_held, like=PIXELS,
    ),
    _claim(
        "Sounds (SHD, SSC) lose early with the update interval: more than tolerated by d_s = 10.",
        "interval", unit=_POINTS, side="at least", limit=TOLERANCE, measure=_held, like=SOUNDS,
    ),
    _claim("With delays, a longer θ converges faster.", "delays", "epochs", "at most", 0.0, _faster),
    _claim("Learned delays shrink with a longer θ.", "delays", "steps", "at most", 0.0, _shrink),
    _claim("Dual memory keeps the gradient over all steps.", "architectures", _LOG, "at least", DECADES, _reach),
    _claim("It keeps more of it than a feed-forward network.", "architectures", _LOG, "at least", 0.0, _further),
)  # fmt: skip
