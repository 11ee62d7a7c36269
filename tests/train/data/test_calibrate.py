"""The calibration command, on recordings that the test films itself and writes as N-MNIST's files."""

from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from basalt.train.data import digits
from basalt.train.data.calibrate import main
from basalt.train.data.camera import simulate
from basalt.train.data.compare import compare
from basalt.train.data.config import CameraConfig
from basalt.train.data.events import RawEvents
from basalt.train.data.figures import agreement

CHOSEN = np.arange(20) * 250
app = typer.Typer()
app.command()(main)


def film(seed: int, config: CameraConfig | None = None) -> RawEvents:
    return simulate(digits.images()[CHOSEN], np.arange(20), config or CameraConfig(), seed=seed)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    raw = film(9)
    labels = CHOSEN // 500
    images = digits.images()[CHOSEN]
    np.savez(place / "mnist.npz", x_train=images, y_train=labels, x_test=images[:1], y_test=labels[:1])
    for i in range(20):
        own = slice(raw.offsets[i], raw.offsets[i + 1])
        polarity, pixel = np.divmod(raw.features[own].astype(np.int64), 34 * 34)
        y, x = np.divmod(pixel, 34)
        t = raw.times[own]
        content = np.stack([x, y, polarity << 7 | t >> 16, t >> 8 & 255, t & 255], 1).astype(np.uint8)
        path = place / "NMNIST" / ("Train" if i < 15 else "Test") / str(labels[i]) / f"{i + 1:05d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.tobytes())
    return place


def test_the_command_prints_both_parts_and_draws(folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    result = CliRunner().invoke(app, ["--data-dir", str(folder), "--figure", str(picture)])
    assert result.exit_code == 0, result.output
    assert "Train: 15 recordings" in result.output and "Test: 5 recordings" in result.output
    assert "events per recording, mean" in result.output and "Fixed pattern" in result.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_names_what_is_missing(folder: Path, tmp_path: Path) -> None:
    nothing = CliRunner().invoke(app, ["--data-dir", str(tmp_path)])
    assert nothing.exit_code == 1 and "MNIST is not in" in nothing.output
    assert "Traceback" not in nothing.output
    wrong = CliRunner().invoke(app, ["--data-dir", str(folder), "--part", "Valid"])
    assert wrong.exit_code == 1 and "it must be Train, Test or both" in wrong.output


def test_images_and_recordings_have_to_fit(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "NMNIST").symlink_to(folder / "NMNIST")
    with np.load(folder / "mnist.npz") as stored:
        np.savez(tmp_path / "mnist.npz", **(dict(stored) | {"y_train": stored["y_train"][::-1]}))
    result = CliRunner().invoke(app, ["--data-dir", str(tmp_path), "--part", "Train"])
    assert result.exit_code == 1 and "don't show" in result.output


def test_a_worse_camera_agrees_less_and_misses_more() -> None:
    images = digits.images()[CHOSEN]
    real = film(1)
    good = compare(real, film(2), film(3), images)
    late = CameraConfig(path_ms=tuple(knot + 8 for knot in CameraConfig().path_ms), noise_off_hz=0.5)
    bad = compare(real, film(2, late), film(3, late), images)
    assert all(reached == pytest.approx(ceiling, abs=0.01) for reached, ceiling in zip(good.agreement, good.ceiling))
    assert all(reached < ceiling - 0.03 for reached, ceiling in zip(bad.agreement, bad.ceiling))
    assert len(good.misses) == len(bad.misses) == 7
    left = (1 - agreement(real, film(2, late)) ** 2).mean()
    assert bad.misses[0].startswith(f"Frames: {left:.1%} of the variance")
    assert "simulated 0.5" in bad.misses[-1]
