"""The options of the study of leakage, reset and recurrence."""

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True)
class Options:
    """What this study has besides the options of all."""

    tasks: Annotated[
        str | None, typer.Option(help="Only these, such as recall,camera-5; default the full or quick study's.")
    ] = None
    variants: Annotated[
        str,
        typer.Option(
            help='"headline", "all" (the 36 and the LSTM), and names (leakage-reset-recurrence), such as '
            "learnable-hard-none,lstm."
        ),
    ] = "headline"
