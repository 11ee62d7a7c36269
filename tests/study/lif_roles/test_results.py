"""Contrasts over seeds and tasks, against numbers worked out by hand; conclusions follow the figures; advice does."""

import numpy as np
import pytest

from basalt.study import effects
from basalt.study.lif_roles import claims
from basalt.study.lif_roles.advice import choices
from basalt.study.lif_roles.results import QUANTITIES, Results, magnitude
from basalt.study.lif_roles.study import Study
from basalt.study.lif_roles.variants import SETS
from basalt.study.lif_roles.worth import worths
from tests.study.lif_roles.made import STUDY, outcomes

BASE, NO_LEAK = "learnable-hard-none", "none-hard-none"
FULL, NO_LEAK_FULL, NO_RESET = "learnable-hard-full", "none-hard-full", "learnable-none-none"


def results(change, study=STUDY):
    return Results(study, outcomes(change, study))


def test_a_contrast_is_the_mean_over_tasks_paired_by_seed():
    gains = {"recall": (0.10, 0.12, 0.11), "spoken": (0.02, 0.00, 0.01)}

    def change(task, variant, seed):
        own = 0.5 + 0.1 * seed  # seeds differ by more than variants: only pairing finds the gain
        return {"accuracy": own + (gains[task][seed - 1] if variant == BASE and task in gains else 0)}

    found = results(change).contrast(("recall", "spoken"), {BASE: 1, NO_LEAK: -1}, "accuracy")
    expected = effects.over_seeds([6.0, 6.0, 6.0])
    assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))
    assert found.over == "3 seeds, means of 2 tasks"
    alone = results(change).contrast(("recall",), {BASE: 1, NO_LEAK: -1}, "accuracy")
    assert alone.value == pytest.approx(11.0)
    assert alone.low < 10 < 12 < alone.high


def test_seeds_that_lack_a_network_are_left_out():
    some = outcomes(lambda task, variant, seed: {"accuracy": 0.5 + 0.1 * seed * (variant == BASE)})
    del some[STUDY.run_name("spoken", NO_LEAK, 2)]
    found = Results(STUDY, some).contrast(("recall", "spoken"), {BASE: 1, NO_LEAK: -1}, "accuracy")
    assert found.value == pytest.approx((10 + 30) / 2)
    assert found.over.startswith("2 seeds")


def test_one_seed_has_intervals_over_tasks_or_test_samples():
    study = Study(("recall", "spoken"), SETS["headline"], 1)
    one = results(lambda task, variant, seed: {"accuracy": 0.9 if variant == BASE else 0.8}, study)
    weights = {BASE: 1, NO_LEAK: -1}
    assert one.contrast(study.tasks, weights, "accuracy").over == "2 tasks, one seed"
    newcombe = effects.newcombe(0.9, 0.8, 500).times(100)
    assert one.contrast(("recall",), weights, "accuracy") == newcombe
    assert one.contrast(("recall",), {NO_LEAK: 1, BASE: -1}, "accuracy").value == -newcombe.value
    assert one.contrast(("recall",), weights, "pgd") is None


def test_quantities_of_an_outcome():
    some = results(lambda task, variant, seed: {"accuracy": 0.8, "pgd": 0.5, "rate": 0.25, "longer": 0.5})
    values = {name: some.values("recall", BASE, name) for name in QUANTITIES}
    expected = {"accuracy": 80, "gap": 5, "pgd": 50, "events": 60, "signs": 80, "rate": 25, "longer": 50,
                "stretch": 75, "lengths": 50, "noise": 100, "operations": 1}  # fmt: skip
    for name, value in expected.items():
        assert values[name] == pytest.approx(dict.fromkeys((1, 2, 3), value)), name
    assert values["loihi1-davies"] == {}
    assert some.values("recall", "lstm", "rate") == {}
    assert some.values("recall", "lstm", "accuracy")[1] == pytest.approx(80)


def published(task, variant, seed):
    """A world in which every conclusion holds, with some noise over seeds."""
    leakage, reset, recurrence = variant.split("-") if variant != "lstm" else ("fixed", "hard", "none")
    temporal = task in ("recall", "spoken")
    wobble = 0.001 * seed * (1 if variant == BASE else 2)
    accuracy = {"none": -0.005, "learnable": 0.0, "fixed": -0.05, "complete": -0.2}[leakage]
    accuracy += (0.05 if recurrence == "full" else 0) * temporal - (0.02 if reset == "none" else 0)
    accuracy -= 0.1 if temporal and recurrence == "full" and leakage == "none" else 0
    return {
        "accuracy": 0.7 + accuracy + wobble,
        "train": 0.8 + accuracy + (0.1 if recurrence == "full" else 0) + 2 * wobble,
        "pgd": 0.4 - (0.2 if leakage == "none" else 0) - (0.1 if recurrence == "full" else 0) + wobble,
        "events": 0.5 - (0.2 if leakage == "none" else 0) - (0.1 if recurrence == "full" else 0) + wobble,
        "signs": 0.9,
        "rate": (0.3 if reset == "none" else 0.1) + wobble,
        "operations": (3000 if reset == "none" else 1000) + 10 * seed,
        "longer": (0.5 if reset == "none" else 0.9) + wobble,
        "sharpness": (0.5 if recurrence == "full" else 0.1) + wobble,
    }


def mirrored(task, variant, seed):
    """The opposite world, in which networks learn all the same."""
    most = {"operations": 9000, "accuracy": 1.5, "train": 1.5}
    return {key: most.get(key, 0.9) - value for key, value in published(task, variant, seed).items()}


def test_every_conclusion_is_confirmed_where_it_holds():
    found = claims.verdicts(results(published))
    assert len(found) == len(claims.CLAIMS) == 22
    assert {verdict.claim.text: verdict.word for verdict in found} == {c.text: "confirmed" for c in claims.CLAIMS}


def test_and_is_not_where_the_opposite_does():
    found = [v for v in claims.verdicts(results(mirrored)) if isinstance(v.claim, claims.Contrast)]
    assert [verdict.word for verdict in found if not verdict.claim.size] == ["not confirmed"] * 13
    assert [verdict.word for verdict in found if verdict.claim.size] == ["confirmed"] * 3  # sizes are the same


@pytest.mark.parametrize("sign", [-1, 1])
def test_leakage_matters_whichever_way_it_goes(sign):
    def change(task, variant, seed):
        other = sign if task == "recall" else -sign  # the mean over tasks is near nothing
        return {"accuracy": 0.7 + 0.001 * seed + (0.08 * other if variant == NO_LEAK else 0)}

    words = {v.claim.text: v for v in claims.verdicts(results(change))}
    (little,) = (v for text, v in words.items() if text.startswith("4. Without recurrence"))
    assert little.word == "not confirmed"
    assert little.effect.value == pytest.approx(8.0)
    (more,) = (v for text, v in words.items() if text.startswith("4. It matters more with"))
    assert more.word == "not confirmed"
    assert more.effect.value == pytest.approx(-8.0)


def test_the_size_of_an_effect_has_the_interval_of_its_sizes():
    ends = [(-1, 3, 0, 3), (1, 3, 1, 3), (-3, -1, 1, 3), (-3, 2, 0, 3)]
    for low, high, least, most in ends:
        found = magnitude(effects.Effect((low + high) / 2, low, high, "x"))
        assert (found.value, found.low, found.high) == (abs(low + high) / 2, least, most)


LEVELS = dict(zip(("leakage", "reset", "recurrence"), (-0.06, -0.04, 0.01)))
"""What each other level of a switch adds to the accuracy of the vanilla network."""


def drives_most(levels, flip=lambda task, seed: 1, complete=0.0, study=STUDY):
    """The two verdicts on what drives performance most: with complete leakage, and without."""

    def change(task, variant, seed):
        here = variant.split("-") if "-" in variant else BASE.split("-")
        off = sum(size for size, one, base in zip(levels.values(), here, BASE.split("-")) if one != base)
        off += complete * (here[0] == "complete")
        return {"accuracy": 0.75 + 0.001 * seed + off * flip(task, seed)}

    return [v for v in claims.verdicts(results(change, study)) if v.claim.text in [c.text for c in claims.CLAIMS[:2]]]


def test_what_drives_most_is_measured_against_the_stronger_of_the_others():
    for verdict in drives_most(LEVELS):
        assert verdict.word == "confirmed"
        assert verdict.effect.value == pytest.approx(2.0)
        assert "leakage -6.00, reset -4.00, recurrence +1.00" in verdict.compared
    other = dict(LEVELS, leakage=0.01)
    assert [v.word for v in drives_most(other)] == ["not confirmed"] * 2
    assert [v.effect.value for v in drives_most(other)] == pytest.approx([-3.0, -3.0])


def test_differences_that_go_both_ways_drive_nothing():
    for flip in (lambda task, seed: (-1) ** seed, lambda task, seed: 1 if task in ("recall", "rate") else -1):
        for verdict in drives_most(dict(LEVELS, leakage=0.2), flip):
            assert verdict.word == "undecided"
            assert abs(verdict.effect.value) < 7


def test_complete_leakage_alone_can_carry_the_claim():
    with_it, without = drives_most(dict(LEVELS, leakage=0.0), complete=-0.15)
    assert (with_it.word, without.word) == ("confirmed", "not confirmed")
    assert (with_it.effect.value, without.effect.value) == pytest.approx((1.0, -4.0))
    assert "without complete leakage" in without.compared


def test_what_drives_most_of_one_seed_is_judged_over_tasks_and_provisional():
    one = Study(STUDY.tasks, STUDY.variants, seeds=1)
    for verdict in drives_most(LEVELS, study=one):
        assert verdict.label == "confirmed (provisional)"
        assert verdict.effect.over == "4 tasks, one seed"


@pytest.mark.parametrize("quick", [True, False])
def test_networks_that_hardly_learned_decide_nothing(quick):
    study = Study(STUDY.tasks, STUDY.variants, 3, quick)
    found = claims.verdicts(results(lambda *_: {"accuracy": 0.3 + 0.2 * quick}, study))
    assert {verdict.word for verdict in found} == {"too little training to tell"}


def test_a_network_that_fails_beside_one_that_learns_is_a_finding_of_the_full_study_alone():
    def change(task, variant, seed):
        return {"accuracy": 0.2 if variant == NO_LEAK_FULL else 0.8}

    for quick, word in ((False, "confirmed"), (True, "too little training to tell")):
        found = claims.verdicts(results(change, Study(STUDY.tasks, STUDY.variants, 3, quick)))
        (verdict,) = (v for v in found if v.claim.text.startswith("4. With temporal data and recurrence"))
        assert verdict.word == word
        assert f"{NO_LEAK_FULL} on recall 20.0 %" in verdict.compared


def test_neither_advice_nor_worth_is_of_networks_that_have_not_learned():
    found = results(lambda task, variant, seed: {"accuracy": 0.4 if task == "rate" else 0.8})
    assert {choice.kind for choice in choices(found)} == {"temporal", "spatio-temporal"}
    words = {worth.kind: worth.word for worth in worths(found)}
    assert words["spatial"] == "too little training to tell"
    assert words["temporal"] != words["spatial"]


def test_noise_decides_nothing():
    draw = np.random.default_rng(1)
    keys = ("accuracy", "train", "pgd", "events", "rate", "longer", "sharpness")
    learned = {"accuracy": 0.3, "train": 0.3}
    found = claims.verdicts(results(lambda *_: {k: float(draw.uniform(0.4, 0.6)) + learned.get(k, 0) for k in keys}))
    words = [v.word for v in found if isinstance(v.claim, claims.Contrast)]
    assert words.count("undecided") >= 0.8 * len(words)


def test_advice_is_the_cheapest_of_those_near_the_best():
    costs = {BASE: 500.0, FULL: 900.0, NO_RESET: 100.0}
    accuracies = {BASE: 0.895, FULL: 0.9, NO_RESET: 0.85}
    hardy = {FULL: 0.3, BASE: 0.2, NO_RESET: 0.9}

    def change(task, variant, seed):
        joule = costs.get(variant, 5000.0) * 1e-9
        return {
            "accuracy": accuracies.get(variant, 0.5),
            "operations": 1000 * costs.get(variant, 5000.0),
            "events": hardy.get(variant, 0.1),
            "prices": {"loihi1-davies": {"joule": joule if task != "rate" else 3 * joule}},
        }

    found = {(choice.kind, choice.machine): choice for choice in choices(results(change))}
    assert set(found) == {
        (k, m) for k in ("temporal", "spatial", "spatio-temporal") for m in ("operations", "loihi1-davies")
    }
    for choice in found.values():
        assert (choice.variant, choice.best, choice.hardiest) == (BASE, FULL, FULL)
        assert (choice.accuracy, choice.best_accuracy, choice.kept) == pytest.approx((89.5, 90.0, 30.0))
    assert found["spatial", "loihi1-davies"].cost == pytest.approx(1500)
    assert found["temporal", "loihi1-davies"].best_cost == pytest.approx(900)


def test_costs_are_at_full_speed_whichever_version_priced_them_and_in_real_time_where_known():
    quantity, beside = QUANTITIES["near-memory-22nm"], QUANTITIES["near-memory-22nm in real time"]
    before = {"prices": {"machines": {"near-memory-22nm": {"joule": 2e-9, "seconds": 0.1}}}}
    now = {"prices": {"machines": {"near-memory-22nm": {
        "joule": 9e-9, "real_time_joule": 9e-9, "full_speed_joule": 2e-9,
    }}}}  # fmt: skip
    assert quantity.of(before) == quantity.of(now) == pytest.approx(2.0)
    assert beside.of(before) is None and beside.of(now) == pytest.approx(9.0)
    assert "at full speed" in quantity.title and "in real time" in beside.title
    assert quantity.of({}) is None
