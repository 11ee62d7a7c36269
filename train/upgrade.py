"""Turn checkpoints of earlier versions, checkpoint.pt, into checkpoint.safetensors: `basalt upgrade RUN …`.

Those were written by `torch.save`: pickles, programs that make the tensors as they are read. This is the one place in
Basalt that reads one, of a file that the user names for it, with torch's own list of what such a program may call.
"""

import os
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import typer

from basalt.cli import run_app
from basalt.errors import BasaltError
from basalt.opening import opened
from basalt.shown import say

SAFE = (2, 6)
"""Torch's version since which a list of what is allowed is kept to in every kind of file (CVE-2025-32434)."""
VERSION = 1
TRUST = "Reading a checkpoint.pt, a pickle, trusts torch's unpickler: convert only those whose writer you trust."
TORCHSCRIPT = "constants.pkl"


def upgrade(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs or of published networks, with a checkpoint.pt.")],
) -> None:
    """Turn checkpoint.pt, which Basalt wrote before, into checkpoint.safetensors beside it.

    A checkpoint.pt is a pickle, which could hold code: convert only those of your own, or of somebody you trust.
    """
    from basalt.train.checkpoint import BEFORE, NAME, read

    refuse_torch()
    say(TRUST, err=True)
    for run in runs:
        old = run if run.name == BEFORE else run / BEFORE
        new = old.with_name(NAME)
        if new.is_file():
            raise BasaltError(f"{new} already exists: Basalt reads it, and no longer {BEFORE}.")
        if not old.is_file():
            raise BasaltError(f"There is no {old} to convert: name a run's folder.")
        checkpoint_of(old).write(new)
        read(new)
        written = old.stat()
        os.utime(new, ns=(written.st_atime_ns, written.st_mtime_ns))  # no export is older than what it was made of
        say(f"Wrote {new}; {BEFORE} is not read any more and can be deleted.")


def refuse_torch() -> None:
    """Refuse to read pickles with a torch that runs code from them whatever it is asked.

    Raises:
        BasaltError: this torch does.
    """
    import torch

    parts = torch.__version__.split(".")
    if tuple(int("".join(filter(str.isdigit, part)) or 0) for part in parts[:2]) < SAFE:
        raise BasaltError(
            f"torch {torch.__version__} runs code from a crafted checkpoint.pt (CVE-2025-32434): convert it with torch "
            f"{'.'.join(map(str, SAFE))} or later."
        )


def checkpoint_of(old: Path) -> Any:
    """The checkpoint that an earlier version wrote.

    Raises:
        BasaltError: it is none, it is damaged, or holds more than tensors and plain values.
    """
    import torch

    from basalt.train import tensors
    from basalt.train.checkpoint import FORMAT, Checkpoint, assembled, check, recipe_of

    try:
        content = _unpickled(old)
        if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
            raise tensors.DamagedError("Basalt did not write it")
        recipe = recipe_of(content.get("recipe"))
        said, values = _parts(recipe, content)
        if not all(type(value) is torch.Tensor and value.layout == torch.strided for value in values.values()):
            raise tensors.DamagedError("what should be tensors is not")
        check(recipe, said, {name: tensors.Spec.of(value) for name, value in values.items()})
    except tensors.DamagedError as error:
        raise BasaltError(
            f"{old} is damaged or not a checkpoint ({error}): train again, or restore the file."
        ) from error
    found: Checkpoint = assembled(old, recipe, said, values)
    return found


def _unpickled(old: Path) -> Any:
    """What the pickle makes.

    Raises:
        DamagedError: it is not an archive of plain tensors as `torch.save` writes it, or asks for more than those.
    """
    import pickle

    import torch

    from basalt.train.tensors import DamagedError

    with opened(old) as file:
        try:
            with zipfile.ZipFile(file) as archive:
                members = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise DamagedError("it is not an archive that `torch.save` wrote, or only a part of one") from error
        if any(Path(member.filename).name == TORCHSCRIPT for member in members):
            raise DamagedError("it is a TorchScript program")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise DamagedError("parts of it are compressed")
        file.seek(0)
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:  # torch's message is an advice to run the code in it
            raise DamagedError("it holds more than tensors and plain values") from error
        except Exception as error:  # whatever a program that somebody else wrote can end in
            raise DamagedError((str(error).strip() or type(error).__name__).splitlines()[0]) from error


def _table(value: Any) -> dict[Any, Any]:
    from basalt.train.tensors import DamagedError

    if not isinstance(value, dict | None):
        raise DamagedError("Basalt did not write it")
    return value or {}


def _parts(recipe: Any, content: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What such a checkpoint says, and its tensors by today's names."""
    from basalt.train.checkpoint import layout
    from basalt.train.moments import names
    from basalt.train.resumption import Said

    last = _table(content.get("last"))
    said = Said.of(
        {
            **{key: content.get(key) for key in ("inputs", "classes", "best")},
            "sensor": content.get("sensor", []),
            "last": {key: last.get(key) for key in ("epoch", "step", "seconds", "history")} if last else None,
        }
    )
    values = {f"model.{name}": value for name, value in _table(content.get("model")).items()}
    if said.last is not None:
        values |= {f"last.model.{name}": value for name, value in _table(last.get("model")).items()}
        values["last.random"] = last.get("random")
        known = names(layout(recipe, said, len(values)), recipe.training)
        for index, state in _table(_table(last.get("optimizer")).get("state")).items():
            name = known[index] if type(index) is int and 0 <= index < len(known) else index
            values |= {f"last.moments.{name}.{moment}": value for moment, value in _table(state).items()}
    return said, values


if __name__ == "__main__":
    run_app(lambda: typer.run(upgrade))
