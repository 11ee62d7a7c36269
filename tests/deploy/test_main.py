"""Which .net file a command means, and what is said of one that training has left behind."""

import os
from pathlib import Path

import pytest

from basalt.deploy.options import net_file
from basalt.errors import BasaltError


@pytest.mark.parametrize("later", ["checkpoint.safetensors", "model.net"])
def test_an_export_older_than_its_checkpoint_is_told_of(
    later: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("checkpoint.safetensors", "model.net"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 100 if name == later else 50))
    assert net_file(tmp_path) == tmp_path / "model.net"
    assert ("export its weights with `basalt export" in capsys.readouterr().err) == (later == "checkpoint.safetensors")


def test_a_file_is_meant_as_it_is_and_a_folder_without_one_is_named(tmp_path: Path) -> None:
    assert net_file(tmp_path / "other.net") == tmp_path / "other.net"
    with pytest.raises(BasaltError, match=r"holds no model\.net; export it with"):
        net_file(tmp_path)
