"""A package that is missing is named, with what brings it."""

import tomllib
from pathlib import Path

import pytest

from basalt.cli import run_app
from basalt.extras import lacking


@pytest.fixture(autouse=True)
def metadata(monkeypatch):
    """What an installation says of the extras in pyproject.toml as it is now."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [f'{one}; extra == "{extra}"' for extra, group in project["optional-dependencies"].items() for one in group]
    monkeypatch.setattr("basalt.extras.requires", lambda name: [*project["dependencies"], *lines])


@pytest.mark.parametrize(
    ("module", "says"),
    [
        ("torch", "This needs torch, which is not installed: `pip install 'basalt[train]'`."),
        ("tomli_w", "This needs tomli-w, which is not installed: `pip install 'basalt[train]'`."),
        ("nirtorch", "This needs nirtorch, which is not installed: `pip install 'basalt[nir]'`."),
        ("snntorch.utils", "This needs snntorch, which is not installed: `pip install 'basalt[snntorch]'`."),
        ("sklearn.svm", "This needs scikit-learn, which is not installed: `pip install 'basalt[lava]'`."),
        ("lava.magma", "`pip install 'basalt[lava]'`, then `pip install --no-deps --ignore-requires-python lava-nc=="),
        ("lava.lib.dl", "lava-nc==0.10.0 lava-dl==0.6.0`."),
    ],
)
def test_packages_of_extras(module, says):
    assert says in lacking(ModuleNotFoundError(name=module))


@pytest.mark.parametrize(
    "error", [ModuleNotFoundError(name="basalt.nowhere"), ModuleNotFoundError(name="numpy"), ValueError("torch")]
)
def test_other_errors_are_not_explained(error):
    """A module of ours, or one that every installation has, is a defect."""
    assert lacking(error) is None


def test_a_command_ends_in_that_sentence(capsys):
    def command():
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    with pytest.raises(SystemExit) as stop:
        run_app(command)
    assert stop.value.code == 1
    said = capsys.readouterr().err
    assert said.startswith("error: This needs torch") and "Traceback" not in said
