"""The page of the study of leakage, reset and recurrence."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from basalt.study.basis import Basis
from basalt.study.effects import Effect
from basalt.study.lif_roles import claims
from basalt.study.lif_roles.advice import CLOSE, Choice, choices, unit
from basalt.study.lif_roles.figures import of_task, over_lengths
from basalt.study.lif_roles.results import LOGARITHMS, QUANTITIES, TABLES, Results
from basalt.study.lif_roles.study import Study
from basalt.study.lif_roles.tasks import TASKS
from basalt.study.lif_roles.variants import title
from basalt.study.lif_roles.worth import Worth, change, worths
from basalt.study.page import Folder, Section, judged, over, page, table
from basalt.study.quantity import Quantity
from basalt.study.study import Report
from basalt.study.verdicts import UNREADY, judge

COLUMNS = tuple(name for name in QUANTITIES if name not in LOGARITHMS)
MARKS = {"confirmed": "✓", "not confirmed": "✗", "undecided": "?", UNREADY: "…"}


def report(study: Study, outcomes: Mapping[str, Mapping[str, Any]], basis: Basis) -> Report:
    """The page and the verdicts; `basis` is what they stand on."""
    results = Results(study, outcomes)
    verdicts, advice, worth = claims.verdicts(results), choices(results), worths(results)
    lead = (
        "Leaky integrate-and-fire neurons with three switches: leakage, reset, recurrence (arXiv 2403.16674), and an "
        "LSTM with as many weights as the recurrent network. Accuracy is of the test set, in the deployed integers, "
        "with the weights of the best epoch on the validation split; attacks are white box, through the surrogate "
        f"gradient; intervals are 95 % {over(study.seeds)}."
    )
    first = [judged(verdicts), advised(advice), paying(worth), each_task(results)]
    whole = page(
        "What leakage, reset and recurrence do",
        lead,
        first,
        over_lengths(results),
        [one_task(results, task) for task in study.tasks],
        basis,
    )
    plain = {
        "tasks": list(study.tasks),
        "variants": list(study.variants),
        "seeds": study.seeds,
        "verdicts": [verdict.plain() for verdict in verdicts],
        "advice": [choice.plain() for choice in advice],
        "worth": [one.plain() for one in worth],
    }
    return Report(whole, [verdict.line() for verdict in verdicts], plain)


def advised(advice: Sequence[Choice]) -> Section:
    """Which neuron to choose."""
    rows = [
        [
            choice.kind,
            "any: operations" if choice.machine == "operations" else QUANTITIES[choice.machine].title,
            f"{title(choice.variant)}<small>{choice.accuracy:.1f} %, {choice.cost:,.1f} {unit(choice.machine)}</small>",
            f"{title(choice.best)}<small>{choice.best_accuracy:.1f} %, {choice.best_cost:,.1f} "
            f"{unit(choice.machine)}</small>",
            f"{title(choice.hardiest)}<small>{choice.kept:.0f} % kept</small>",
        ]
        for choice in advice
    ]
    head = [
        "Data",
        "Hardware",
        f"Cheapest within {CLOSE:g} point of the best",
        "Most accurate",
        "Hardiest of those near",
    ]
    note = (
        "Means over tasks and seeds. Cost is an inference's: synaptic operations, or energy on the machine of a price "
        "table where `basalt study price` has worked it out. Networks that have not learned are left out. "
        "Hardiest: what keeps most accuracy while events are added and removed."
    )
    return Section("Which neuron to choose", table(head, rows, numbers=()), note)


def paying(worth: Sequence[Worth]) -> Section:
    """Which switch pays for itself."""
    tables = [name for name in TABLES if any(name in one.joules for one in worth)]
    rows = [
        [
            one.kind,
            "{}<small>{}</small>".format(*change(one)),
            one.word,
            _changed(one.accuracy),
            *(_changed(cost) for cost in (one.operations, *(one.joules.get(name) for name in tables))),
        ]
        for one in worth
    ]
    head = ["Data", "Turned on", "By operations, it …", "Accuracy, points", "Operations, %"]
    note = (
        "What a switch adds to accuracy, and to the cost of an inference. It pays if one is better and the other no "
        "worse, by their 95 % intervals; costs of a single seed have none."
    )
    head += [f"Joules, {QUANTITIES[name].title}, %" for name in tables]
    return Section("Which switch pays for itself", table(head, rows, range(3, len(head))), note)


def _changed(effect: Effect | float | None) -> str:
    if effect is None:
        return "–"
    if isinstance(effect, float):
        return f"{effect:+.1f}"
    return f"{effect.value:+.1f}<small>{effect.low:+.1f} to {effect.high:+.1f}</small>"


def each_task(results: Results) -> Section:
    """The contrasts on every task alone."""
    tasks = results.study.tasks
    rows = []
    for claim in (one for one in claims.CLAIMS if isinstance(one, claims.Contrast)):
        rows.append([escape(claim.text), *(_alone(results, claim, task) for task in tasks)])
    note = "✓ the interval is on the claim's side, ✗ on the other, ? on both, … too little training to tell; "
    note += "without an interval, of a single seed."
    return Section("The same on each task", table(["Conclusion", *tasks], rows, range(1, len(tasks) + 1)), note)


def _alone(results: Results, claim: claims.Contrast, task: str) -> str:
    if TASKS[task].kind not in claim.kinds:
        return ""
    verdict = judge(claims.on(claim, task), results)
    if verdict.effect is None:
        values = list(results.weighted(task, claim.weights, claim.quantity, claim.size).values())
        return f"{values[0]:+.2f}" if values else "–"
    effect = verdict.effect
    return f"{MARKS[verdict.word]} {effect.value:+.2f}<small>{effect.low:+.2f} to {effect.high:+.2f}</small>"


def one_task(results: Results, task: str) -> Folder:
    """Its figures, and all networks in figures."""
    return Folder(escape(TASKS[task].title), of_task(results, task), [everything(results, task)])


def everything(results: Results, task: str) -> Section:
    """All networks on a task."""
    columns = [name for name in COLUMNS if any(results.values(task, v, name) for v in results.study.variants)]
    rows = [
        [
            f"<span class='word'>{variant}</span>",
            *(_figure(results, task, variant, name, QUANTITIES[name]) for name in columns),
        ]
        for variant in results.study.variants
    ]
    head = ["Network", *(_head(QUANTITIES[name]) for name in columns)]
    note = (
        "Networks are leakage-reset-recurrence; ± is half of the 95 % interval over seeds. Kept: mean over budgets, or "
        "amounts, of the accuracy that is left, over that without. Sharpness: rise of the loss a quarter of a filter "
        "away. Operations: synaptic ones of an inference, products of the LSTM."
    )
    return Section("All networks", table(head, rows, range(1, len(head))), note)


def _head(quantity: Quantity) -> str:
    shown = f" {quantity.unit}".replace(" points", " %") if quantity.unit else ""
    return f"{quantity.title}{shown}"


def _figure(results: Results, task: str, variant: str, name: str, quantity: Quantity) -> str:
    effect = results.mean(task, variant, name)
    if effect is not None:
        half = (effect.high - effect.low) / 2
        return f"{effect.value:,.{quantity.digits}f}<small>±&nbsp;{half:,.{quantity.digits}f}</small>"
    values = list(results.values(task, variant, name).values())
    return f"{values[0]:,.{quantity.digits}f}" if values else "–"
