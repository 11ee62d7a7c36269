"""What the frameworks compute, write and mean: output spikes of an import equal theirs, or the reset is refused."""

from dataclasses import replace

import numpy as np
import pytest

from basalt.convert.nir.asked import understand
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.read import read
from tests.convert.nir.frameworks import rockpool_, snntorch_, spikingjelly_
from tests.convert.nir.frameworks.case import Case, inputs
from tests.convert.nir.frameworks.cases import CASES
from tests.convert.nir.frameworks.judge import judge
from tests.convert.nir.frameworks.table import FILE, primitives


def drawable(case: Case) -> None:
    """Skip where the framework is not there."""
    for name in case.needs:
        pytest.importorskip(name, reason=f"{name} is not installed", exc_type=ImportError)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_framework_and_its_import_send_the_same_spikes(case: Case, tmp_path):
    drawable(case)
    found = judge(case, tmp_path / "drawn.nir", inputs())
    assert found.drawn.any() and not found.drawn.all()
    assert np.array_equal(found.meant, found.drawn)
    if case.refused:
        assert found.refused and all("--nearest" in why for why in found.refused.values())
    else:
        assert not found.refused and np.array_equal(found.mapped, found.drawn)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("case", "step"),
    [
        (snntorch_.CASES[0], None),
        (snntorch_.CASES[-1], None),
        (rockpool_.CASES[0], 1e-3),
        (rockpool_.CASES[2], 1e-3),
        (spikingjelly_.CASES[0], 1e-3),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_the_writer_and_its_step_are_recognised(case: Case, step: float | None, tmp_path):
    drawable(case)
    case.draw(tmp_path / "drawn.nir", inputs()[:1])
    options = replace(ImportOptions(tmp_path / "drawn.nir"), reset=case.options.get("reset"))
    found = understand(read(tmp_path / "drawn.nir"), options)
    assert (found.name, found.why != "named") == (case.options["writer"], True)
    assert found.step_seconds == (None if step is None else pytest.approx(step))


@pytest.mark.filterwarnings("ignore")
def test_what_two_frameworks_may_have_written_is_asked_for(tmp_path):
    """SpikingJelly's LIFNode with decay_input=False, and its default step, has the numbers of snnTorch's Leaky."""
    from basalt.errors import BasaltError

    case = next(case for case in spikingjelly_.CASES if "decay_input" in case.neuron)
    drawable(case)
    spikingjelly_.draw(case.neuron, tmp_path / "drawn.nir", inputs()[:1], step=1e-4)
    with pytest.raises(BasaltError, match="--writer"):
        understand(read(tmp_path / "drawn.nir"), ImportOptions(tmp_path / "drawn.nir", reset="hard"))


def test_the_table_of_primitives_is_current():
    assert primitives() in FILE.read_text(encoding="utf-8")
