"""Where data and runs are looked for."""

import os
from pathlib import Path

import pytest

from basalt.errors import BasaltError
from basalt.paths import cache_dir, data_dir, newest


def test_data_folder_is_the_given_one_then_the_variable_then_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BASALT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("BASALT_DATA", str(tmp_path / "data"))
    assert data_dir(tmp_path / "given") == tmp_path / "given"
    assert data_dir() == tmp_path / "data"
    monkeypatch.delenv("BASALT_DATA")
    assert data_dir() == tmp_path / "cache"


def test_cache_defaults_to_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BASALT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "basalt"


def test_newest_goes_by_the_time_of_writing(tmp_path: Path) -> None:
    for name, seconds in (("z", 100), ("a", 300), ("m", 200)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.net").write_text("")
        os.utime(tmp_path / name / "model.net", (seconds, seconds))
    assert newest("*/model.net", "export", "basalt export", tmp_path) == tmp_path / "a" / "model.net"


def test_nothing_found_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"No export found under .*: make one with `basalt export`"):
        newest("*/model.net", "export", "basalt export", tmp_path / "absent")
