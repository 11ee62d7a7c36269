"""Options of a command as the fields of frozen dataclasses: declared once, and handed on as one object."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import wraps
from inspect import Parameter, Signature
from typing import Any, get_type_hints


def opened(command: Callable[..., None]) -> Callable[..., None]:
    """The command as typer takes it: with a parameter per field of the dataclasses that are its own parameters.

    A field is declared as a parameter of a typer command is, `Annotated[type, typer.Option(…)] = default`. Fields
    without a default have to be in the first dataclass, and no two fields may have the same name.
    """
    kinds = [kind for name, kind in get_type_hints(command, include_extras=True).items() if name != "return"]
    hints = {name: hint for kind in kinds for name, hint in get_type_hints(kind, include_extras=True).items()}
    signature = Signature(
        [
            Parameter(
                one.name,
                Parameter.POSITIONAL_OR_KEYWORD,
                default=Parameter.empty if one.default is MISSING else one.default,
                annotation=hints[one.name],
            )
            for kind in kinds
            for one in fields(kind)
        ]
    )

    @wraps(command)
    def front(*given: Any, **named: Any) -> None:
        values = signature.bind(*given, **named)
        values.apply_defaults()
        command(*(kind(**{one.name: values.arguments[one.name] for one in fields(kind)}) for kind in kinds))

    front.__signature__ = signature  # type: ignore[attr-defined]
    front.__annotations__ = hints
    return front
