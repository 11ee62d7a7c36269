"""A page says what it stands on, and that a rehearsal is one: by --quick, by fewer epochs or by fewer samples."""

from dataclasses import dataclass
from typing import Any

import pytest

from basalt.study.basis import basis, whole
from basalt.study.page import page


@dataclass(frozen=True)
class Ten:
    """A study of ten epochs."""

    quick: bool = False

    def own_epochs(self, name: str) -> int:
        return 10


def outcome(seed: int, epochs: int = 10, limit: int | None = None) -> dict[str, Any]:
    return {"recipe": {"seed": seed, "training": {"epochs": epochs}, "data": {"limit": limit}}}


FULL = {f"a-s{seed}": outcome(seed) for seed in (1, 2, 3)}
REHEARSALS = {
    "quick": (Ten(True), FULL, "--quick"),
    "epochs": (Ten(), {**FULL, "a-s2": outcome(2, epochs=1)}, "1 to 10 epochs of training (the full study: 10)"),
    "samples": (Ten(), {**FULL, "a-s2": outcome(2, limit=1200)}, "10 epochs of training on at most 1,200 samples"),
}


def test_a_full_study_names_its_seeds_epochs_and_trainings() -> None:
    found = basis(Ten(), FULL, 4, "Networks.")
    assert not found.rehearsal
    assert found.sentences == ["Stands on 3 seeds and 10 epochs of training: 3 of 4 trainings."]
    assert found.plain()["seeds"] == (1, 2, 3)


@pytest.mark.parametrize("kind", REHEARSALS)
def test_a_rehearsal_is_marked_at_the_top_of_the_page(kind: str) -> None:
    study, outcomes, said = REHEARSALS[kind]
    found = basis(study, outcomes, 3, "Networks.")
    assert found.rehearsal
    text = page("Title", "Lead.", [], [], [], found)
    top = text[text.index("Lead.") : text.index("<div")]
    assert "A rehearsal (" in top and said in top
    assert "class='basis rehearsal'" in top


def test_one_seed_is_provisional_and_nothing_trained_is_no_basis() -> None:
    assert "provisional" in " ".join(basis(Ten(), {"a-s1": outcome(1)}, 1, "").sentences)
    assert basis(Ten(), {}, 7, "").sentences == ["Stands on 0 of 7 trainings."]


def test_a_whole_training_has_all_epochs_and_samples() -> None:
    assert whole(Ten(), "a", outcome(1, epochs=11))
    assert not whole(Ten(), "a", outcome(1, epochs=9))
    assert not whole(Ten(), "a", outcome(1, limit=5))
    assert not whole(Ten(True), "a", outcome(1))
