"""`basalt recipe`: a recipe with all its defaults, or what the keys of recipes mean."""

from typing import TYPE_CHECKING, Annotated

import typer

from basalt.errors import BasaltError
from basalt.shown import console as terminal
from basalt.shown import say

if TYPE_CHECKING:
    from basalt.train.reference import Section


def recipe(
    name: Annotated[
        str | None,
        typer.Argument(help="A recipe; with --explain a key, a table or a kind of layer, or all if none is named."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what keys mean.")] = False,
) -> None:
    """Write a recipe out with all its defaults, or explain the keys: meaning, unit, range and default.

    docs/recipe_reference.md has them all.
    """
    if not explain:
        if name is None:
            raise BasaltError("Name a recipe (`basalt list recipes`), or ask for keys with --explain.")
        import tomli_w

        from basalt.train.recipe import read

        for line in tomli_w.dumps(read(name).plain()).splitlines():
            say(line)
        return
    from basalt.train.reference import explained

    for section in explained(name):
        show(section)


def show(section: "Section") -> None:
    """A table of a recipe, for people."""
    from rich.table import Table

    console = terminal()
    console.print()
    console.print(title(section.path), style="bold", markup=False)
    console.print(section.about, markup=False)
    table = Table("key", "may be", "unit", "default", "meaning")
    for key in section.keys:
        table.add_row(key.path.rpartition(".")[2], key.values, key.unit, key.default, key.meaning)
    console.print(table)


def title(path: str) -> str:
    """How a table is headed in TOML; "" is what stands before any."""
    table, _, kinds = path.partition("network.layers.")
    if not path:
        return "At the top of a recipe"
    if table:
        return f"[{path}]"
    named, _, inner = kinds.partition(".")
    of = f"[[network.layers]] of the kind {', '.join(named.split('|'))}"
    return f"{of}: {inner}" if inner else of
