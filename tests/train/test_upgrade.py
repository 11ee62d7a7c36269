"""Checkpoints of earlier versions are converted once, exactly; nothing that such a file holds is run."""

import io
import os
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from rich.console import Console

from basalt.errors import BasaltError
from basalt.train import checkpoint, upgrade
from basalt.train.checkpoint import load
from basalt.train.loop import fit, make_fabric
from basalt.train.networks import Network
from basalt.train.recipe import parse
from tests import shapes
from tests.train.helpers import content, splits


@pytest.fixture(autouse=True)
def as_users_run_it() -> Iterator[None]:
    """What is wrong is to be seen by the code that refuses it, not by the checks of shapes before that."""
    with shapes.unchecked():
        yield


HOLED = tuple(int(part) for part in torch.__version__.split(".")[:2]) < upgrade.SAFE
"""Whether torch here runs code from what it is asked to read weights only of."""


@pytest.fixture
def any_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert what this test wrote itself with any torch."""
    monkeypatch.setattr(upgrade, "refuse_torch", lambda: None)


def before(resumed: bool = True) -> dict[str, Any]:
    """What the version before wrote of a run after one epoch, as it wrote it."""
    changed = content(epochs=3, scaled_rates=True)
    changed["network"]["layers"][1] |= {"delay": 5, "recurrent": True}
    recipe = parse(changed, "tiny")
    torch.manual_seed(recipe.seed)
    network = Network.of(recipe, (1, 4, 4), 2)
    from basalt.train.stepper import optimizer as make_optimizer

    optimizer = make_optimizer(network, recipe.training, torch.device("cpu"))
    for step in range(3):
        optimizer.zero_grad()
        sum(
            ((1 + step) * parameter**2).sum() for parameter in network.parameters() if parameter.requires_grad
        ).backward()
        optimizer.step()
    best = {"epoch": 1, "validation_loss": 2 / 3, "validation_accuracy_float": 0.75, "validation_accuracy_integer": 0.5}
    last = {
        "model": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "epoch": 1,
        "step": 6,
        "seconds": 0.1 + 0.2,
        "random": torch.get_rng_state(),
        "history": [{"epoch": 1, "loss": 2 / 3, **best, "seconds": 0.3}],
    }
    return {
        "format": "basalt-checkpoint", "version": 1, "recipe": recipe.plain(), "inputs": 16, "sensor": [1, 4, 4],
        "classes": 2, "model": {name: value.clone() for name, value in network.state_dict().items()}, "best": best,
        "last": last if resumed else {},
    }  # fmt: skip


def converted(folder: Path, old: dict[str, Any]) -> checkpoint.Checkpoint:
    folder.mkdir(exist_ok=True)
    torch.save(old, folder / "checkpoint.pt")
    upgrade.upgrade([folder])
    return checkpoint.read(folder)


@pytest.mark.usefixtures("any_torch")
def test_a_run_is_converted_exactly(tmp_path: Path) -> None:
    old = before()
    os.utime(tmp_path, (0, 0))
    new = converted(tmp_path, old)
    assert new.last is not None
    for wrote, found in ((old["model"], new.model), (old["last"]["model"], new.last.model)):
        assert wrote.keys() == found.keys()
        assert all(wrote[name].numpy().tobytes() == found[name].numpy().tobytes() for name in wrote)
    assert torch.equal(new.last.random, old["last"]["random"])
    assert [dict(row) for row in new.last.history] == old["last"]["history"] and dict(new.best) == old["best"]
    assert (new.last.epoch, new.last.step, new.last.seconds) == (1, 6, 0.1 + 0.2)
    times = [(tmp_path / name).stat().st_mtime_ns for name in ("checkpoint.pt", checkpoint.NAME)]
    assert times[0] == times[1], "its export would look out of date"


@pytest.mark.usefixtures("any_torch")
def test_a_converted_run_goes_on_as_it_would_have(tmp_path: Path) -> None:
    """Every parameter gets its own moments back, in whatever groups the optimiser counts them."""
    from basalt.train import loop
    from basalt.train.stepper import optimizer as make_optimizer

    old = before()
    new = converted(tmp_path, old)
    ends = []
    for way in ("as before", "converted"):
        network = Network.of(new.recipe, (1, 4, 4), 2)
        optimizer = make_optimizer(network, new.recipe.training, torch.device("cpu"))
        if way == "converted":
            loop._restore(loop.State(network, optimizer), new)
        else:
            network.load_state_dict(old["last"]["model"])
            optimizer.load_state_dict(old["last"]["optimizer"])
        sum((parameter**2).sum() for parameter in network.parameters() if parameter.requires_grad).backward()
        optimizer.step()
        ends.append({name: value.numpy().tobytes() for name, value in network.state_dict().items()})
    assert len(optimizer.param_groups) > 1 and ends[0] == ends[1]
    fit(new.recipe, splits(), tmp_path, make_fabric("cpu", "1"), True, Console(file=io.StringIO()))
    last = checkpoint.read(tmp_path).last
    assert last is not None and last.epoch == 3


@pytest.mark.usefixtures("any_torch")
def test_a_published_network_is_converted(tmp_path: Path) -> None:
    old = before(resumed=False)
    del old["sensor"]  # the first versions did not know it
    assert converted(tmp_path, old).last is None
    assert load(tmp_path).inputs == 16


def test_a_torch_with_the_hole_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(before(), tmp_path / "checkpoint.pt")
    for version in ("2.3.1", "2.5.1+cu124", "1.13.0a0", "2.5"):
        monkeypatch.setattr(torch, "__version__", version)
        with pytest.raises(BasaltError, match=r"CVE-2025-32434.*torch 2\.6 or later"):
            upgrade.upgrade([tmp_path])
        assert not (tmp_path / checkpoint.NAME).exists()
    for version in ("2.6.0", "2.13.0+cpu", "2.10.0a0+git", "3.0"):
        monkeypatch.setattr(torch, "__version__", version)
        upgrade.refuse_torch()


@pytest.mark.usefixtures("any_torch")
def test_what_has_been_converted_is_left_alone(tmp_path: Path) -> None:
    converted(tmp_path, before())
    made = (tmp_path / checkpoint.NAME).read_bytes()
    with pytest.raises(BasaltError, match="already exists"):
        upgrade.upgrade([tmp_path])
    assert (tmp_path / checkpoint.NAME).read_bytes() == made
    with pytest.raises(BasaltError, match=r"There is no .*nowhere.* to convert"):
        upgrade.upgrade([tmp_path / "nowhere"])


def _changed(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda old: {**old, key: value}


def _resumed(key: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda old: {**old, "last": {**old["last"], key: value}}


def _sparse(old: dict[str, Any]) -> Any:
    return {**old, "model": {name: value.to_sparse() if value.dim() else value for name, value in old["model"].items()}}


ONE = torch.ones(())
OTHERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a tensor": lambda old: torch.ones(3),
    "somebody else's": lambda old: {"weights": torch.ones(2)},
    "a version of tomorrow": _changed("version", 3),
    "no recipe": _changed("recipe", None),
    "a recipe that is a tensor": _changed("recipe", torch.ones(2)),
    "no model": _changed("model", None),
    "a model of text": _changed("model", {"a": "b"}),
    "a model that is a list": _changed("model", [1]),
    "sparse weights": _sparse,
    "progress that is text": _changed("last", "resumed"),
    "an optimiser that is text": _resumed("optimizer", "adam"),
    "moments of text": _resumed("optimizer", {"state": {0: "x"}}),
    "moments of nobody": _resumed("optimizer", {"state": {99: {"step": ONE}}}),
    "moments by name": _resumed("optimizer", {"state": {"\x1b": {"\n": ONE}}}),
    "a few moments": _resumed("optimizer", {"state": {0: {"step": ONE}}}),
    "no random state": _resumed("random", None),
    "weights of a single number seen as many": lambda old: {
        **old, "model": {k: torch.zeros(1).expand(1 << 40) for k in old["model"]},
    },
}  # fmt: skip


@pytest.mark.usefixtures("any_torch")
@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_checkpoint_of_before_is_one_sentence(what: str, tmp_path: Path) -> None:
    torch.save(OTHERS[what](before()), tmp_path / "checkpoint.pt")
    _refused(tmp_path)


@pytest.mark.usefixtures("any_torch")
@pytest.mark.parametrize("damage", ["empty", "text", "half", "legacy", "compressed", "flipped"])
def test_a_damaged_checkpoint_of_before_is_one_sentence(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    torch.save(before(), path, _use_new_zipfile_serialization=damage != "legacy")
    data = path.read_bytes()
    if damage == "compressed":
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(tmp_path / "z", "w", zipfile.ZIP_DEFLATED) as new:
            for name in old.namelist():
                new.writestr(name, old.read(name))
        data = (tmp_path / "z").read_bytes()
    flipped = data[:60] + bytes(byte ^ 0xFF for byte in data[60:400]) + data[400:]
    path.write_bytes(
        {"empty": b"", "text": b"hello", "half": data[: len(data) // 2], "flipped": flipped}.get(damage, data)
    )
    _refused(tmp_path)


class Evil:
    """A pickle that makes a folder as it is read."""

    def __init__(self, made: Path) -> None:
        self.made = made

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.made),)


def plain_pickle(path: Path, made: Path) -> None:
    path.write_bytes(pickle.dumps(Evil(made)))


def torch_pickle(path: Path, made: Path) -> None:
    torch.save({"format": "basalt-checkpoint", "version": 1, "evil": Evil(made)}, path)


def legacy_pickle(path: Path, made: Path) -> None:
    torch.save({"format": "basalt-checkpoint", "evil": Evil(made)}, path, _use_new_zipfile_serialization=False)


SCRIPT = """
import sys, torch
from typing import Tuple

class Evil(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.made: str = sys.argv[2]
        self.kept = torch.zeros(1)

    @torch.jit.export
    def __getstate__(self) -> Tuple[str, bool]:
        return self.made, self.training

    @torch.jit.export
    def __setstate__(self, state: Tuple[str, bool]) -> None:
        self.made = state[0]
        self.training = state[1]
        self.kept = torch.from_file(self.made, True, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

torch.jit.save(torch.jit.script(Evil()), sys.argv[1])
"""


def torchscript(path: Path, made: Path) -> None:
    """CVE-2025-32434: a program that torch before 2.6 runs as it reads it, weights only or not."""
    program = path.with_name("program.py")
    program.write_text(SCRIPT)
    subprocess.run([sys.executable, program, path, made], check=True, capture_output=True)
    made.unlink(missing_ok=True)


EXPLOITS = {function.__name__: function for function in (plain_pickle, torch_pickle, legacy_pickle, torchscript)}


@pytest.mark.parametrize("exploit", EXPLOITS)
@pytest.mark.parametrize("name", ["checkpoint.pt", checkpoint.NAME])
def test_nothing_in_a_file_is_run(name: str, exploit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by what reads runs, nor by what converts them, on any torch."""
    made = tmp_path / "made"
    EXPLOITS[exploit](tmp_path / name, made)
    with pytest.raises(BasaltError, match=r"damaged or not a checkpoint|convert it once"):
        load(tmp_path)
    if name == "checkpoint.pt":
        if HOLED:
            with pytest.raises(BasaltError, match="CVE-2025-32434"):
                upgrade.upgrade([tmp_path])
        monkeypatch.setattr(upgrade, "refuse_torch", lambda: None)
        message = _refused(tmp_path)
        assert exploit != "torchscript" or "TorchScript" in message
    assert not made.exists()


@pytest.mark.filterwarnings("ignore:.*TorchScript archive")
def test_the_exploits_are_some(tmp_path: Path) -> None:
    """What the test above refuses makes its file where it is believed."""
    for exploit in (plain_pickle, torch_pickle, *((torchscript,) if HOLED else ())):
        path, made = tmp_path / f"{exploit.__name__}.pt", tmp_path / exploit.__name__
        exploit(path, made)
        if exploit is torchscript:
            torch.load(path, weights_only=True)
        elif exploit is torch_pickle:
            torch.load(path, weights_only=False)
        else:
            pickle.loads(path.read_bytes())
        assert made.exists(), exploit


def _refused(folder: Path) -> str:
    with pytest.raises(BasaltError, match=r"checkpoint\.pt is damaged or not a checkpoint \(") as caught:
        upgrade.upgrade([folder])
    message = str(caught.value)
    assert message.isprintable() and len(message) < 600 and "weights_only" not in message, message
    assert not (folder / checkpoint.NAME).exists()
    return message
