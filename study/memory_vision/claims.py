"""The conclusions of the vision paper, and what measures each."""

from collections.abc import Callable

from basalt.study.effects import Effect
from basalt.study.memory_vision.results import QUANTITIES, Results
from basalt.study.memory_vision.study import PAPER
from basalt.study.verdicts import Claim, Measured, Verdict, judge

MISSING = "trainings are missing, or seeds are too few"
SAME = 0.3
"""Points of accuracy between integers and floats that count as nothing."""


def _mean(model: str, quantity: str) -> Callable[[Results], Measured]:
    title = QUANTITIES[quantity].title

    def measure(results: Results) -> Measured:
        effect = results.mean(model, quantity)
        said = f"{model}: {title}" if effect else f"{model}: {MISSING}"
        return Measured(effect, said, results.compared(model))

    return measure


def _difference(left: str, right: str, quantity: str) -> Callable[[Results], Measured]:
    compared = f"{left} less {right}: {QUANTITIES[quantity].title}"

    def measure(results: Results) -> Measured:
        effect = results.difference(left, right, quantity)
        return Measured(effect, compared if effect else f"{compared}: {MISSING}", results.compared(left, right))

    return measure


def _effect(mechanisms: tuple[str, ...], quantity: str) -> Callable[[Results], Measured]:
    compared = f"{' × '.join(mechanisms)} over all combinations of the others: {QUANTITIES[quantity].title}"

    def measure(results: Results) -> Measured:
        effect = results.effect(mechanisms, quantity)
        said = compared if effect else f"{compared}: needs all eight models and two seeds"
        return Measured(effect, said, results.compared())

    return measure


def _best(results: Results) -> Measured:
    """The full model less the best of the paper's others, by its mean: a gain over all of them."""
    others = {name: results.mean(name, "integer") for name in PAPER if name != "full"}
    known: dict[str, Effect] = {name: effect for name, effect in others.items() if effect is not None}
    if len(known) < len(others):
        return Measured(None, f"full less the best of the other four: {MISSING}", results.compared(*PAPER))
    best = max(known, key=lambda name: known[name].value)
    said = f"full less {best}, the best of the paper's other four"
    return Measured(results.difference("full", best, "integer"), said, results.compared(*PAPER))


def _rounding(results: Results) -> Measured:
    ours, theirs = results.values("full", "float"), results.values("full", "integer")
    from basalt.study.effects import paired

    effect = paired(ours, theirs)
    said = "full: accuracy in floats less that in integers" if effect else "full: seeds are too few"
    return Measured(effect, said, results.compared("full"))


_POINTS = "points"
CLAIMS = (
    Claim("The contrastive loss raises accuracy.", _POINTS, "at least", 0.0, _difference("scl", "lif", "integer")),
    Claim(
        "The contrastive loss alone lowers the silhouette (0.687 to 0.637 in the paper).",
        "", "at most", 0.0, _difference("scl", "lif", "embedded"),
    ),
    Claim("The Hopfield memory raises accuracy.", _POINTS, "at least", 0.0, _difference("hopfield", "scl", "integer")),
    Claim(
        "So it does over all combinations.",
        _POINTS, "at least", 0.0, _effect(("hopfield",), "integer"),
    ),
    Claim("HGRN raises accuracy.", _POINTS, "at least", 0.0, _difference("hgrn", "scl", "integer")),
    Claim("So it does over all combinations.", _POINTS, "at least", 0.0, _effect(("hgrn",), "integer")),
    Claim(
        "The contrastive loss raises accuracy over all combinations.",
        _POINTS, "at least", 0.0, _effect(("scl",), "integer"),
    ),
    Claim("The full model beats the baseline.", _POINTS, "at least", 0.0, _difference("full", "lif", "integer")),
    Claim("The full model is the most accurate.", _POINTS, "at least", 0.0, _best),
    Claim(
        "Memories help each other: together they gain more than alone.",
        _POINTS, "at least", 0.0, _effect(("hopfield", "hgrn"), "integer"),
    ),
    Claim(
        "The full model has the best features: their silhouette is above the baseline's.",
        "", "at least", 0.0, _difference("full", "lif", "last"),
    ),
    Claim("Accuracy of the full model is 97.49 % or more.", "%", "at least", 97.49, _mean("full", "integer")),
    Claim("Silhouette of its t-SNE picture is 0.715 or more.", "", "at least", 0.715, _mean("full", "embedded")),
    Claim(
        "So is that of the rates that the read-out hears, without an embedding.",
        "", "at least", 0.715, _mean("full", "last"),
    ),
    Claim("And that of the feature layer's rates.", "", "at least", 0.715, _mean("full", "silhouette")),
    Claim("Sparsity of the full model is 97 % or more.", "%", "at least", 97.0, _mean("full", "sparsity")),
    Claim(
        "It takes 1.85 µJ or less, if that is to be an inference with every synaptic operation.",
        "µJ", "at most", 1.85, _mean("full", "synapses"),
    ),
    Claim(
        "So it does with the products of the memories at 4.6 pJ.",
        "µJ", "at most", 1.85, _mean("full", "energy"),
    ),
    Claim("The deployed integers lose 0.3 points or less.", _POINTS, "at most", SAME, _rounding),
)  # fmt: skip


def verdicts(results: Results) -> list[Verdict]:
    """All claims, judged."""
    return [judge(claim, results) for claim in CLAIMS]
