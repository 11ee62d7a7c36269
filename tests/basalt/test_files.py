"""Files are whole or absent, whatever stops the writer."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from basalt.errors import BasaltError
from basalt.files import atomic, read_json, write_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `code` in another process, in `folder`."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )


def test_writes_a_new_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    with atomic(tmp_path / "new" / "a.txt") as temporary:
        temporary.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
        assert temporary.suffix == ".txt"
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"
    assert names(tmp_path / "new") == ["a.txt"]


def test_an_exception_in_the_block_keeps_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(ZeroDivisionError), atomic(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    ended = python(
        "import os, signal; from pathlib import Path; from basalt.files import atomic\n"
        "with atomic(Path('a.txt')) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n",
        tmp_path,
    )
    assert ended.returncode == -signal.SIGKILL
    assert (tmp_path / "a.txt").read_text() == "old"


@pytest.mark.parametrize(
    "write",
    [
        "temporary.write_bytes(bytes(5000))",
        # as the writers of torch and HDF5 do: the reason is lost
        "try:\n        temporary.write_bytes(bytes(5000))\n    except OSError:\n        raise RuntimeError('lost')",
    ],
)
def test_a_full_disk_is_one_sentence_and_keeps_the_old_file(tmp_path: Path, write: str) -> None:
    (tmp_path / "a.bin").write_bytes(b"old")
    ended = python(
        "import resource; from pathlib import Path\n"
        "from basalt.files import atomic; from basalt.errors import BasaltError\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n"
        "  with atomic(Path('a.bin')) as temporary:\n"
        f"    {write}\n"
        "except BasaltError as error:\n"
        "  print(error)\n",
        tmp_path,
    )
    assert ended.stdout == "Cannot write a.bin: File too large. What was there before is kept.\n", ended.stderr
    assert (tmp_path / "a.bin").read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_a_runtime_error_that_is_not_the_disk_is_kept(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="a defect"), atomic(tmp_path / "a.txt"):
        raise RuntimeError("a defect")
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BasaltError, match=r"Cannot write .*file/a\.txt: "), atomic(tmp_path / "file" / "a.txt"):
        pytest.fail("the block must not run")


@settings(max_examples=20)  # each waits for the disk
@given(value=JSON)
def test_json_comes_back_as_it_went(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.mktemp("json") / "value.json"
    write_json(path, value)
    assert read_json(path) == value


def test_json_that_is_missing_or_cut_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BasaltError, match=r"Cannot read .*a\.json: No such file"):
        read_json(tmp_path / "a.json")
    write_json(tmp_path / "a.json", {"key": [1, 2, 3]})
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text()[:9])
    with pytest.raises(BasaltError, match=r"a\.json is not valid JSON"):
        read_json(tmp_path / "a.json")
