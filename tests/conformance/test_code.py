"""Results are those of the code that they were found with."""

from pathlib import Path

from tests.conformance.code import FOLDERS, digest


def test_every_change_of_code_is_another_digest(tmp_path: Path) -> None:
    for folder in FOLDERS:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "a.py").write_text("x = 1\n")
    seen = {digest(tmp_path), digest(tmp_path)}
    assert len(seen) == 1
    for folder in FOLDERS:
        (tmp_path / folder / "a.py").write_text("x = 2\n")
        seen.add(digest(tmp_path))
    (tmp_path / "train" / "b.py").write_text("y = 1\n")
    seen.add(digest(tmp_path))
    assert len(seen) == 2 + len(FOLDERS)
