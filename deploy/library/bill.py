"""What a run costs: by price table, by process and action."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from basalt.deploy.energy.conventions import Stated, full_speed, in_words, real_time
from basalt.deploy.report.format import si
from basalt.errors import BasaltError
from basalt.extras import missing


@dataclass(frozen=True, eq=False)
class Priced:
    """An inference by one price table.

    Attributes:
        name: of the table.
        entry: of energy.json.
    """

    name: str
    entry: dict[str, Any]

    @property
    def real_time(self) -> Stated:
        """Where an inference takes as long as its steps last in the world."""
        return real_time(self.entry)

    @property
    def full_speed(self) -> Stated | None:
        """Where inferences follow each other at once; None where the machine's time is not modelled."""
        return full_speed(self.entry)

    @property
    def joule(self) -> float:
        """Of an inference in real time, dynamic and leakage."""
        return self.real_time.joule

    @property
    def dynamic(self) -> float:
        """Joule of an inference that counted events spend."""
        return self.real_time.dynamic_joule

    @property
    def leakage(self) -> float | None:
        """Joule of an inference that memories and logic leak; None where no static power is known."""
        return self.real_time.leakage_joule

    def rows(self) -> list[dict[str, Any]]:
        """A row per process, part and action, and per part what it leaks: counts and joule of an inference."""
        found = []
        for process in self.entry["processes"]:
            place = {"table": self.name, "process": process["name"], "part": process["part"]}
            for action, one in process["actions"].items():
                found.append({**place, "action": action, "count": one["count"], "joule": one["joule"]})
            found.append({**place, "action": "leakage", "count": None, "joule": process["static_joule"]})
        return found

    def __repr__(self) -> str:
        headline, beside = in_words(self.entry)
        return f"{self.name}: {headline}; {beside}"


class Bill(Mapping[str, Priced]):
    """A run by price tables: `bill["near-memory-22nm"].joule`.

    Args:
        energy: content of energy.json.
    """

    def __init__(self, energy: dict[str, Any]) -> None:
        self.energy = energy

    def __getitem__(self, name: str) -> Priced:
        if name not in self.energy["tables"]:
            raise BasaltError(f"There is no price by {name!r}; there are {', '.join(self.energy['tables'])}.")
        return Priced(name, self.energy["tables"][name])

    def __iter__(self) -> Iterator[str]:
        return iter(self.energy["tables"])

    def __len__(self) -> int:
        return len(self.energy["tables"])

    def __contains__(self, name: object) -> bool:
        return name in self.energy["tables"]

    def rows(self) -> list[dict[str, Any]]:
        """Those of all tables."""
        return [row for priced in self.values() for row in priced.rows()]

    def frame(self) -> Any:
        """The rows as a pandas DataFrame.

        Raises:
            BasaltError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise missing(error) from None
        return pd.DataFrame(self.rows())

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.values())) or "no price tables"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{si(one.joule, 'J')}</td><td>{si(one.dynamic, 'J')}</td>"
            f"<td>{'–' if one.leakage is None else si(one.leakage, 'J')}</td></tr>"
            for name, one in self.items()
        )
        return (
            "<table><thead><tr><th>an inference, in real time</th><th>in all</th><th>dynamic</th><th>leakage</th></tr>"
            f"</thead><tbody>{rows}</tbody></table>"
        )
