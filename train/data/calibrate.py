"""Compare the simulated camera with real N-MNIST recordings of the same digits.

    python -m basalt.train.data.calibrate --data-dir DIR [--figure FILE.png]

DIR holds `NMNIST/{Train,Test}/<digit>/*.bin` and MNIST (`mnist.npz` or `MNIST/raw`). The camera's defaults were fitted
on the 400 recordings of the sample's Train folder; its Test folder is the check.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from basalt.errors import BasaltError
from basalt.paths import data_dir as default_data_dir
from basalt.shown import console as terminal
from basalt.train.data import mnist, nmnist
from basalt.train.data.camera import simulate
from basalt.train.data.compare import Comparison, compare, table
from basalt.train.data.config import CameraConfig
from basalt.train.data.events import RawEvents
from basalt.train.data.progress import progress


def main(
    data_dir: Annotated[Path | None, typer.Option(help="Folder with NMNIST and MNIST; default: $BASALT_DATA.")] = None,
    part: Annotated[str, typer.Option(help="Train, Test or both.")] = "both",
    figure: Annotated[Path | None, typer.Option(help="Write the pictures here (PNG).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the camera.")] = 1,
) -> None:
    """Print how near the simulated camera comes to the real recordings of the same digits."""
    try:
        _run(default_data_dir(data_dir), part, figure, seed)
    except BasaltError as error:
        terminal(stderr=True, soft_wrap=True).print(f"Error: {error}", highlight=False)
        raise typer.Exit(1) from error


def _run(data_dir: Path, part: str, figure: Path | None, seed: int) -> None:
    folders = {"Train": ("Train",), "Test": ("Test",), "both": ("Train", "Test")}
    if part not in folders:
        raise BasaltError(f"--part is {part}: it must be Train, Test or both.")
    console = terminal(width=100)
    shown = []
    for folder in folders[part]:
        real, images, index = pairs(folder, data_dir)
        with progress(f"Filming {folder}", 2 * len(images)) as advance:
            one = simulate(images, index, CameraConfig(), seed=seed, advance=advance)
            other = simulate(images, index, CameraConfig(), seed=seed + 1, advance=advance)
        comparison = compare(real, one, other, images)
        _print(console, f"{folder}: {len(real)} recordings", comparison)
        shown.append((real, one, comparison))
    if figure is not None:
        from basalt.train.data.picture import draw

        draw(figure, *shown[0])
        console.print(f"Wrote {figure}")


def pairs(part: str, data_dir: Path) -> tuple[RawEvents, np.ndarray, np.ndarray]:
    """Real recordings of a part, the MNIST images they show, and the images' positions.

    A part of N-MNIST may number its Test recordings on from the training set (slayerPytorch's sample does): whichever
    of MNIST's two sets has all the labels is the one that is shown.

    Raises:
        BasaltError: something is missing, or neither set fits.
    """
    digits = mnist.read(data_dir)
    with progress(f"Reading {part}", 1) as advance:
        real, labels, index = nmnist.read(part, data_dir)
        advance(1)
    for images, truth in ((digits.x_train, digits.y_train), (digits.x_test, digits.y_test)):
        if index.max() < len(truth) and (truth[index] == labels).all():
            return real, images[index], index
    raise BasaltError(f"The recordings in {data_dir / 'NMNIST' / part} don't show MNIST's images of their numbers.")


def _print(console: Console, title: str, comparison: Comparison) -> None:
    shown = Table(title=title, title_justify="left")
    for name in ("", "real", "simulated", "difference"):
        shown.add_column(name, justify="left" if not name else "right")
    for row in table(comparison.real, comparison.simulated):
        digits = 3 if abs(row.real) < 2 else 2 if abs(row.real) < 100 else 0
        unit = f", {row.unit}" if row.unit else ""
        change = (row.simulated - row.real) / row.real
        shown.add_row(f"{row.name}{unit}", f"{row.real:,.{digits}f}", f"{row.simulated:,.{digits}f}", f"{change:+.1%}")
    console.print(shown)
    frames = Table(title="Correlation of binary 5 ms frames, digit by digit", title_justify="left")
    for name in ("smoothed by, pixels and frames", "real with simulated", "simulated with simulated"):
        frames.add_column(name, justify="right")
    for spread, reached, ceiling in zip(comparison.spread, comparison.agreement, comparison.ceiling, strict=True):
        frames.add_row(f"{spread:g}", f"{reached:.3f}", f"{ceiling:.3f}")
    console.print(frames)
    console.print("Events per 10 ms and recording:")
    for name, figures in (("real     ", comparison.real), ("simulated", comparison.simulated)):
        console.print(
            f"  {name} " + " ".join(f"{value:3.0f}" for value in figures.profile), highlight=False, soft_wrap=True
        )
    console.print("What the simulator misses:")
    for miss in comparison.misses:
        console.print(f"  - {miss}", highlight=False, soft_wrap=True)


if __name__ == "__main__":
    typer.run(main)
