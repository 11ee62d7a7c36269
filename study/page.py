"""The page of a study: verdicts, figures and tables, in one file that loads nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from basalt.study.basis import Basis
from basalt.study.effects import Effect
from basalt.study.learned import FLOOR
from basalt.study.verdicts import Verdict


@dataclass(frozen=True)
class Section:
    """A card of the page: its title, a note, and its content as HTML."""

    title: str
    content: str
    note: str = ""

    def html(self) -> str:
        """The card."""
        note = f"<p class='note'>{self.note}</p>" if self.note else ""
        return f"<section><h2>{self.title}</h2>{note}{self.content}</section>"


@dataclass(frozen=True)
class Folder:
    """Figures and cards that stand closed under a title, and open with a click."""

    title: str
    figures: Sequence[Section]
    cards: Sequence[Section]

    def html(self) -> str:
        """The folder, closed."""
        return f"<details><summary>{self.title}</summary>{_side_by_side(self.figures)}{_stacked(self.cards)}</details>"


def page(
    title: str,
    lead: str,
    first: Sequence[Section],
    figures: Sequence[Section],
    last: Sequence[Section | Folder],
    basis: Basis,
) -> str:
    """A whole page: what it stands on, cards over its width, figures side by side, cards again."""
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<meta name='color-scheme' content='light dark'><title>{escape(title)} · Basalt</title>"
        f"<style>{style}</style></head><body><h1>{escape(title)}</h1><p class='lead'>{lead}</p>{stands_on(basis)}"
        f"{_stacked(first)}{_side_by_side(figures)}{_stacked(last)}<footer>{escape(basis.title)}</footer></body></html>\n"
    )


def stands_on(basis: Basis) -> str:
    """How many seeds and epochs the page stands on, and whether it is a rehearsal."""
    first, *others = (escape(sentence) for sentence in basis.sentences)
    kind = " rehearsal" if basis.rehearsal else ""
    return f"<p class='basis{kind}'><b>{first}</b> {' '.join(others)}</p>"


def _side_by_side(figures: Sequence[Section]) -> str:
    return f"<div class='figures'>{''.join(figure.html() for figure in figures)}</div>"


def _stacked(cards: Sequence[Section | Folder]) -> str:
    return f"<div class='stack'>{''.join(card.html() for card in cards)}</div>"


LEARNED = (
    f"Networks are compared once they have learned, that is, have come {FLOOR:.0%} of the way from chance to no error: "
    "there a learning curve is steepest, so that a figure below it tells how far training has come and not what the "
    "network can do. One that stays below it through the whole training, where another of the comparison learns, is a "
    "finding and is judged. A verdict of one seed is provisional."
)


def judged(verdicts: Sequence[Verdict]) -> Section:
    """What the paper concludes, and what came out."""
    rows = []
    for verdict in verdicts:
        effect, claim = verdict.effect, verdict.claim
        look = f"word {verdict.word}" + " provisional" * verdict.provisional
        figures = (
            ["–", "–"]
            if effect is None
            else [
                f"{effect.value:+.2f} {claim.unit}",
                f"{effect.low:+.2f} to {effect.high:+.2f}<small>{effect.over}</small>",
            ]
        )
        rows.append(
            [
                f"<span class='{look}'>{verdict.label}</span>",
                f"{escape(claim.text)}<small>{escape(verdict.compared)}</small>",
                *figures,
                f"{claim.side} {claim.limit:.3g}",
            ]
        )
    head = ["Verdict", "Conclusion", "Effect", "95 % interval", "Holds if"]
    return Section("What the paper concludes, and what came out here", table(head, rows, numbers=(2, 4)), LEARNED)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> str:
    """A table of HTML cells; columns of `numbers` are set flush right."""

    def cells(row: Sequence[str], kind: str) -> str:
        marks = ("" if n not in numbers else " class='n'" for n in range(len(row)))
        return "<tr>" + "".join(f"<{kind}{mark}>{cell}</{kind}>" for cell, mark in zip(row, marks)) + "</tr>"

    body = "".join(cells(row, "td") for row in rows)
    return f"<div class='scroll'><table><thead>{cells(head, 'th')}</thead><tbody>{body}</tbody></table></div>"


def percent(effect: Effect | None) -> str:
    """An effect in percent, with its interval."""
    return interval(effect and effect.times(100), 1)


def interval(effect: Effect | None, digits: int) -> str:
    """A value and its interval."""
    if effect is None:
        return "–"
    return f"{effect.value:.{digits}f} ({effect.low:.{digits}f} to {effect.high:.{digits}f})"


def over(seeds: int) -> str:
    """What intervals run over, in words."""
    return f"over {seeds} seeds (Student)" if seeds > 1 else "of the test samples of one seed: seeds differ by more"
