"""Find, read and check price tables."""

from pathlib import Path

from pydantic import ValidationError

from basalt.deploy.energy.schema import PriceTable
from basalt.documents import TOML_MOST, parse_toml
from basalt.errors import BasaltError
from basalt.opening import read_bytes

FOLDER = Path(__file__).parent / "tables"


def available_tables() -> list[str]:
    """Names of the price tables that Basalt brings, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_table(name: str) -> PriceTable:
    """The price table called `name`, or the one in the file `name` if it ends in .toml.

    Raises:
        BasaltError: there is no such table, or it does not hold what a price table must; names file and key.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.parent == FOLDER and path.stem not in available_tables():
        raise BasaltError(
            f"There is no price table {name!r}: name one of {', '.join(available_tables())}, or a .toml file."
        )
    return parse_table(read_bytes(path, TOML_MOST), path)


def parse_table(text: str | bytes, path: Path) -> PriceTable:
    """A price table from the text of a TOML file; `path` is named in errors."""
    content = parse_toml(text, path)
    try:
        return PriceTable.model_validate(content)
    except ValidationError as error:
        raise BasaltError(f"{path}: {_first_fault(error)}") from error


def _first_fault(error: ValidationError) -> str:
    faults = error.errors()
    first = faults[0]
    key = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    more = f" ({len(faults) - 1} more faults)" if len(faults) > 1 else ""
    return f"{key + ': ' if key else ''}{message}{more}."
