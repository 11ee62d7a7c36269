"""Where networks come from: .net files, run folders, NIR files, modules of SLAYER."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from basalt.convert import netx
from basalt.convert.reading import TRAINING
from basalt.deploy.inputs import image_shape
from basalt.deploy.library.model import Model
from basalt.deploy.options import net_file
from basalt.errors import BasaltError
from basalt.opening import there


def read(path: str | Path, *, bias_start: str = TRAINING, input_shape: tuple[int, int, int] | None = None) -> Model:
    """A .net file, of Basalt or lava-dl, or a run folder that holds one.

    Args:
        bias_start: from which step biases act where the file does not say: "training", "unshifted" or "lava".
        input_shape: (channels, height, width) of what a first convolution or pool takes, where the file does not say.

    Raises:
        BasaltError: it is not there, damaged, or breaks a rule.
    """
    file = net_file(Path(path))
    beside = file.parent / "test.npz"
    shape = input_shape or (image_shape(beside) if there(beside) else None)
    return Model(netx.read(file, bias_start, shape), file)


def from_run(folder: str | Path) -> Model:
    """The network of a run folder; with its test.npz, which `run` and `verify` take where no other input is given.

    Raises:
        BasaltError: it holds none.
    """
    if not Path(folder).is_dir():
        raise BasaltError(f"{folder} is no folder: name a run, as runs/dmp_digits.")
    return read(folder)


def from_nir(path: str | Path, *, output: str | Path | None = None, **options: Any) -> Model:
    """A NIR file of another framework, or `script.py:network`, as integers; prints the account of what rounding costs.

    Args:
        output: a folder for model.net, import.html and, with `data`, test.npz and trace.npz; none is kept if None.
        options: of `basalt import`, by name: data (an .npz file), writer, dt ("1ms"), reset, scale, nearest, fit, …

    Raises:
        BasaltError: the file does not say what has to be known, or holds what cannot be said here: node by node.
    """
    from basalt.convert.nir.command import import_command
    from basalt.convert.nir.options import ImportOptions

    paths = {
        name: Path(value) for name, value in options.items() if name in ("data", "calibrate", "activity") and value
    }
    try:
        asked = ImportOptions(Path(path), **{**options, **paths})
    except TypeError as error:
        raise BasaltError(f"`from_nir` takes the options of `basalt import`: {error}.") from None
    if output is not None:
        import_command(replace(asked, output=Path(output)))
        return read(output)
    with tempfile.TemporaryDirectory() as folder:
        import_command(replace(asked, output=Path(folder) / Path(path).stem))
        return replace(read(Path(folder) / Path(path).stem), file=None)


def from_slayer(module: Any, input_shape: Sequence[int]) -> Model:
    """A live module of SLAYER, as it stands.

    Args:
        module: one with its blocks in `blocks`, or the blocks in order.
        input_shape: of a sample without its steps: (features,) or (channels, height, width).

    Raises:
        BasaltError: it has a block that cannot be said.
    """
    from basalt.convert.slayer_module import from_slayer as network_of

    return Model(network_of(module, tuple(input_shape)))
