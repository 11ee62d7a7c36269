"""`basalt import network.net`: a file of lava-dl's, stock netx's or Basalt's becomes a run folder, as it is.

The file is copied, not written anew: what it leaves out, such as the step at which a bias begins, is read afterwards as
`basalt run` reads it anywhere, and `--bias-start` and `--input-shape` go on asking about it.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from basalt.convert.nir.options import ImportOptions, refuse_others
from basalt.errors import BasaltError
from basalt.shown import say

if TYPE_CHECKING:
    import numpy as np

TAKES = ("data", "dt", "samples", "output")
"""Options that a file of integers has a use for."""


def is_net(file: Path) -> bool:
    """Whether a name is that of a .net file."""
    return file.suffix.lower() == ".net"


def import_net(options: ImportOptions) -> None:
    """The file as model.net, and the samples of --data as test.npz.

    Raises:
        BasaltError: the file cannot be read or run, the samples do not fit, or an option asks for what the file says.
    """
    from basalt.convert import netx
    from basalt.convert.nir.asked import duration
    from basalt.convert.nir.folder import MODEL, copy_network, folder_of, write_arrays

    refuse_others(options, TAKES, "holds integers, which are taken as they are")
    step = duration(options.dt)
    spikes = None if options.data is None else samples_of(options.data, options.samples)
    image = None if spikes is None or spikes["spikes"].ndim != 5 else spikes["spikes"].shape[1:4]
    network = netx.read(options.file, input_shape=image)
    if step is not None and network.step_seconds not in (None, step):
        raise BasaltError(f"{options.file} has steps of {network.step_seconds:g} s; leave out --dt.")
    if spikes is not None and spikes["spikes"][0, ..., 0].size != network.inputs:
        raise BasaltError(
            f"{options.data}: `spikes` has {spikes['spikes'][0, ..., 0].size} features, the network takes "
            f"{network.inputs}."
        )
    folder = folder_of(options.output, options.file.stem)
    copy_network(folder, options.file, step)
    if spikes is not None:
        write_arrays(folder / "test.npz", spikes)
    kept = "" if spikes is None else f"; {len(spikes['spikes']):,} samples"
    say(
        f"Wrote {folder / MODEL}: {len(network.layers)} layers, the integers of {options.file} as they are{kept}. See "
        f"with `basalt verify {folder}` that a backend computes them."
    )
    for notice in network.notices:
        say(notice)


def samples_of(path: Path, most: int) -> "dict[str, np.ndarray]":
    """`spikes` as they are, with `labels` and `fraction` if they are there; `basalt run` takes their values.

    Raises:
        BasaltError: the file is missing or damaged, or there is not a label for each sample.
    """
    from basalt.arrays import archive, read_arrays
    from basalt.opening import there

    if not there(path):
        raise BasaltError(f"{path} does not exist; name an .npz file with `spikes` (samples × features × steps).")
    with archive(path) as found:
        if "spikes" not in found.names:
            raise BasaltError(f"{path} has no array `spikes` (samples × features × steps).")
        shape = found.header("spikes").shape
        labels = found.header("labels").shape if "labels" in found.names else shape[:1]
    if len(shape) not in (3, 5) or 0 in shape:
        raise BasaltError(
            f"{path}: `spikes` has the shape {shape}, not (samples, features, steps) or (samples, channels, height, "
            f"width, steps)."
        )
    if labels != shape[:1]:
        raise BasaltError(f"{path}: `labels` must be {shape[0]} integers, and has the shape {labels}.")
    return read_arrays(path, ("spikes", "labels", "fraction"), {"spikes": most, "labels": most})
