"""Lava 0.10.0 and lava-dl 0.6.0, archived, on today's Python and numpy.

Three of their files are corrected as they are imported; nothing on disk is touched. A file without the text that is to
be replaced is imported as it is, so that a release that mends itself needs no change here.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

# module → (text, replacement)s
CORRECTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    # Python 3.11 refuses a dataclass's instance as a default.
    "lava.magma.compiler.var_model": (
        (": ByteEncoder = ByteEncoder()", ": ByteEncoder = dataclasses.field(default_factory=ByteEncoder)"),
        ("from dataclasses import dataclass", "import dataclasses\nfrom dataclasses import dataclass"),
    ),
    # numpy 2.1 renamed the argument, 2.4 removed the old name.
    "lava.magma.core.process.ports.ports": (("np.reshape, newshape=", "np.reshape, shape="),),
    # numpy 2.5 makes no number of an array with dimensions.
    "lava.lib.dl.netx.hdf5": (
        ("int(layer_config['weight'])", "int(layer_config['weight'].item())"),
        ("int(layer_config['bias'])", "int(layer_config['bias'].item())"),
    ),
}


class _Corrected(SourceFileLoader):
    """Compiles the corrected source; a cached .pyc of the file as it stands is not read."""

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_data(self.path).decode()
        for text, replacement in CORRECTIONS[fullname]:
            source = source.replace(text, replacement)
        return self.source_to_code(source.encode(), self.path)


class _Finder:
    """Finds the modules that need a correction, as Python's own finder does."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in CORRECTIONS:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Corrected(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """From now on Lava's modules are imported with their corrections."""
    finders: list[Any] = sys.meta_path
    if _Finder not in finders:
        finders.insert(0, _Finder)
