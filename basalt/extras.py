"""What to install where a package is missing that only a part of Basalt needs."""

import re
from functools import cache
from importlib.metadata import requires
from importlib.util import find_spec

from basalt.errors import BasaltError

DISTRIBUTIONS = {"cv2": "opencv-python-headless", "PIL": "pillow", "sklearn": "scikit-learn", "distributed": "dask"}
"""Modules whose distribution has another name."""

LAVA, SLAYER = "lava-nc==0.10.0", "lava-dl==0.6.0"
"""Their metadata asks for a Python and a numpy too old for Basalt, so that no extra can name them."""


@cache
def lava_here() -> bool:
    """Whether Lava is installed; it is not imported."""
    return find_spec("lava") is not None and find_spec("lava.magma") is not None


def missing(error: ModuleNotFoundError) -> Exception:
    """The error to raise for a module that is not there."""
    sentence = lacking(error)
    return error if sentence is None else BasaltError(sentence)


def lacking(error: BaseException) -> str | None:
    """The sentence for a module that an extra of Basalt's brings; None for other errors."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return None
    name, *inner = error.name.split(".")
    if name == "lava":
        what, extra, archived = (
            ("Lava", "lava", LAVA) if inner[:1] != ["lib"] else ("lava-dl", "train", f"{LAVA} {SLAYER}")
        )
        return (
            f"This needs {what}, which is not installed: `pip install 'basalt[{extra}]'`, then `pip install --no-deps "
            f"--ignore-requires-python {archived}`."
        )
    wanted = DISTRIBUTIONS.get(name, name.replace("_", "-"))
    for line in requires("basalt") or ():
        found = re.match(r"(?!basalt\b)([\w-]+).*extra == ['\"](\w+)['\"]", line)
        if found and found[1] == wanted:
            return f"This needs {wanted}, which is not installed: `pip install 'basalt[{found[2]}]'`."
    return None
