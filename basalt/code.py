"""Which Basalt this is: what two machines compare before they share work."""

import hashlib
import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from basalt import __version__
from basalt.errors import BasaltError

KINDS = (".py", ".toml")
"""What Basalt computes with: its modules, and its tables, cores and recipes."""


@dataclass(frozen=True)
class Code:
    """The version of Basalt, and a digest of all of its code."""

    version: str
    digest: str

    def __str__(self) -> str:
        return f"{self.version} ({self.digest[:12]})"


@lru_cache
def code_here() -> Code:
    """This process's: the digest is SHA-256 over the names and contents of its files, in the order of their names."""
    root = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    # The rooms of a checkout are links.
    found = (Path(folder, name) for folder, _, names in os.walk(root, followlinks=True) for name in names)
    for path in sorted(path for path in found if path.suffix in KINDS):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root)} {len(content)}\n".encode())
        digest.update(content)
    return Code(__version__, digest.hexdigest())


def check_code(wanted: Code) -> None:
    """Refuse to work for another Basalt.

    Raises:
        BasaltError: versions or code differ.
    """
    here = code_here()
    if here != wanted:
        raise BasaltError(
            f"A worker on {platform.node()} has Basalt {here}, this is {wanted}: install the same one there, and start "
            f"its workers again."
        )
