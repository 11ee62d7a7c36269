"""What files and users named, as a terminal or a page may show it: no character that does anything, nothing endless."""

import unicodedata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

ACTING = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories that are not shown as they are: controls, marks of direction and other invisible ones, halves of
pairs, what is not assigned, separators of lines."""
VALUE_LONGEST = 200
MESSAGE_LONGEST = 1200
CUT = " … "


def shown(text: str, longest: int | None = None, keep: str = "") -> str:
    """A text with escapes (\\x1b, \\n, \\u202e) for characters that act, cut in its middle where it is longer.

    Args:
        longest: characters; None for no limit.
        keep: characters that stay as they are.
    """
    if longest is not None and len(text) > longest:
        begin = longest * 2 // 3
        text = text[:begin] + CUT + text[begin + len(CUT) - longest :]
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if letter in keep or plain(letter) else escaped(letter) for letter in text)


def plain(letter: str) -> bool:
    """Whether a character only shows itself."""
    return unicodedata.category(letter) not in ACTING


def escaped(letter: str) -> str:
    """A character as Python writes it in a string of ASCII."""
    return letter.encode("unicode_escape").decode("ascii")


def say(text: str, err: bool = False) -> None:
    """Print a line, on stderr if `err`; what it repeats of names and files only shows itself."""
    import typer

    typer.echo(shown(text), err=err)


def console(**options: Any) -> "Console":
    """A terminal of rich's that shows what it is given: no markup in it, no escapes; each text is one line."""
    from rich.console import Console
    from rich.text import Text

    class Plain(Console):
        """Every string that is printed, in tables too, comes by here."""

        def render_str(self, text: str, **given: Any) -> Text:
            return super().render_str(shown(text), **{**given, "markup": False, "emoji": False})

    return Plain(markup=False, emoji=False, **options)
