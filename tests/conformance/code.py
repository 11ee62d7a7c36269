"""What code a result is of: an interrupted check goes on with what the same code found, and with nothing else."""

from pathlib import Path

from basalt.train.data.cache import fingerprint

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("basalt", "train", "convert", "lava_procs", "deploy", "study", "tests/conformance")


def digest(root: Path = ROOT) -> str:
    """Of all Python files that a check runs."""
    return fingerprint(*sorted(file for folder in FOLDERS for file in (root / folder).rglob("*.py")))[:16]
