"""Export a trained run: integers into model.net, what training computed into trace.npz, the test set into test.npz."""

import sys
from pathlib import Path
from typing import Annotated

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import typer

from basalt.documents import understood
from basalt.errors import BasaltError
from basalt.files import atomic, read_object
from basalt.published import results
from basalt.shown import say

MAX_DROP = 0.005
"""Accuracy that export may cost before it says so: half a point."""


def export(
    run: Annotated[
        Path | None,
        typer.Argument(help="A run folder, or its checkpoint.safetensors; the newest run if none is named."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Test samples kept for deployment.")] = 1000,
    verified: Annotated[int, typer.Option(min=0, help="Test samples whose spikes are kept and verified.")] = 200,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder with data sets; default $BASALT_DATA or the cache.")
    ] = None,
    nir: Annotated[
        Path | None,
        typer.Option(help="Write the integers of the run's model.net into this NIR file instead, and nothing else."),
    ] = None,
    dt: Annotated[
        str | None, typer.Option(help="With --nir: how long a step lasts, where model.net does not say.")
    ] = None,
) -> None:
    """Write the integers of a trained run into a .net file, and verify that they spike as training did.

    Writes model.net (netx HDF5), test.npz (test samples for `basalt run`) and trace.npz (what training computed, for
    `basalt verify`) into the run folder, or into runs/MODEL for a model that comes with Basalt, then verifies the first
    samples against the reference and Lava.

    With --nir the integers, trained here or imported, become a NIR file for other frameworks; `basalt import` reads the
    same integers back.
    """
    if nir is not None:
        from basalt.convert.nir.export import export_nir

        export_nir(run, nir, dt)
        return
    if dt is not None:
        raise BasaltError("--dt belongs to --nir FILE; a run's recipe says how long its steps last.")
    from basalt.train import checkpoint

    found = checkpoint.locate(checkpoint.newest_run() if run is None else run)
    if found.name != checkpoint.NAME:
        raise BasaltError(f"{found} is neither a run folder nor its {checkpoint.NAME}: name one of them.")
    folder = found.parent
    to = results(folder / "model.net")
    say(write_export(folder, samples, verified, data_dir, to))
    warn_about_drop(folder)
    if verified:
        # The one place where an earlier stage calls a later one: exporting ends with the proof.
        from basalt.deploy.commands.verify import verify_command
        from basalt.deploy.options import VerifyOptions

        verify_command(VerifyOptions(to / "model.net", samples=verified))


def write_export(folder: Path, samples: int, verified: int, data_dir: Path | None, to: Path | None = None) -> str:
    """Write model.net, test.npz and trace.npz of a run into its folder, or into another; says so in a sentence.

    What verify said of an earlier export, of other weights perhaps, goes, and so does a trace where none is asked for.
    """
    import numpy as np
    import torch

    from basalt.convert import netx
    from basalt.paths import data_dir as find_data
    from basalt.records.network import Network
    from basalt.records.readout import Readout
    from basalt.records.synapses import Spiking
    from basalt.train.checkpoint import read
    from basalt.train.data import load as load_data

    saved = read(folder)
    model, recipe = saved.network(), saved.recipe
    origin = {"recipe": recipe.name, "seed": str(recipe.seed), "data": recipe.data.name, "torch": torch.__version__}
    network = Network(model.records(), recipe.name, recipe.data.step_ms / 1000, origin)
    test = load_data(recipe.data, find_data(data_dir)).test
    kept = np.arange(min(samples, len(test)))
    spikes = test.dense(kept)
    arrays = trace(model, spikes[:verified], network.layers[-1].name) if verified else None
    folder = folder if to is None else to
    netx.write(folder / "model.net", network)
    (folder / "verify.json").unlink(missing_ok=True)
    with atomic(folder / "test.npz") as temporary:
        np.savez_compressed(temporary, spikes=spikes, labels=test.labels[kept], index=test.index[kept])
    if arrays is None:
        (folder / "trace.npz").unlink(missing_ok=True)
    else:
        with atomic(folder / "trace.npz") as temporary:
            np.savez_compressed(temporary, **arrays)
    weights = sum(layer.weight.size for layer in network.layers if isinstance(layer, Spiking | Readout))
    return (
        f"Wrote {folder / 'model.net'} ({len(network.layers)} layers, {weights:,} weights of synapses) and "
        f"{len(kept)} test samples."
    )


def trace(model, spikes, readout: str):  # type: ignore[no-untyped-def]
    """What training computes for `spikes` in exact integers: spikes by layer, and the read-out's last sums."""
    import torch

    found = model.trace(torch.from_numpy(spikes))
    return {**{name: sent.numpy() for name, sent in found.spikes.items()}, readout: found.sums.numpy()}


def warn_about_drop(folder: Path) -> None:
    """Say so when integers cost more than half a point of accuracy."""
    if not (folder / "metrics.json").exists():
        return
    metrics = read_object(folder / "metrics.json")
    with understood(str(folder / "metrics.json"), "train the run to its end"):
        drop = float(metrics["accuracy_float"] - metrics["accuracy_integer"])
    if drop > MAX_DROP:
        say(
            f"warning: integers cost {100 * drop:.2f} points of test accuracy ({100 * metrics['accuracy_float']:.2f} → "
            f"{100 * metrics['accuracy_integer']:.2f} %); more coefficient bits or a finer grid may help.",
            err=True,
        )


app = typer.Typer(add_completion=False)
app.command()(export)

if __name__ == "__main__":
    from basalt.cli import run_app

    run_app(app)
