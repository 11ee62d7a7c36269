"""The options of the study of memory-augmented vision."""

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True)
class Options:
    """What this study has besides the options of all."""

    task: Annotated[str, typer.Option(help="digits, mnist or nmnist.")] = "digits"
    models: Annotated[str | None, typer.Option(help="Only these, such as lif,scl,full; default all combinations.")] = (
        None
    )
