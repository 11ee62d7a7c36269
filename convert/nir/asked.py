"""What a NIR file does not say, from its writer's habits where they show, and asked for where they do not."""

import re
from dataclasses import dataclass
from typing import Any

from basalt.convert.nir.chain import DELAY
from basalt.convert.nir.graph import Graph
from basalt.convert.nir.map import Meaning
from basalt.convert.nir.options import ImportOptions
from basalt.convert.nir.recognise import recognise
from basalt.convert.nir.writers import NEURONS, RESETS, WRITERS
from basalt.errors import BasaltError

UNITS = {"": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
DURATION = re.compile(r"([0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]{1,3})?)\s*(s|ms|us|µs|ns|)")
SHORTEST, LONGEST = 1e-9, 1e6


@dataclass(frozen=True)
class Understood:
    """How a file is meant.

    Attributes:
        name: of the writer. why: it is taken to be this one. step_seconds: of a step, None if nobody knows.
    """

    name: str
    why: str
    meaning: Meaning
    step_seconds: float | None

    def content(self) -> dict[str, Any]:
        """For a file."""
        return {
            "writer": self.name,
            "about": self.meaning.writer.about,
            "why": self.why,
            "reset": self.meaning.reset,
            "step_seconds": self.step_seconds,
        }


def understand(graph: Graph, options: ImportOptions) -> Understood:
    """The meaning of a file's numbers.

    Raises:
        BasaltError: it is neither shown by the file nor named; says all that is missing at once.
    """
    found = recognise(graph)
    given = duration(options.dt)
    known(options.writer, WRITERS, "--writer")
    known(options.reset, RESETS, "--reset")
    spiking = any(node.type in NEURONS and not node.type.endswith("I") for node in graph.real)
    name = options.writer or (found.writer if found is not None else None if spiking else "nir")
    why = "named" if options.writer else found.why if found else "nothing in it depends on a writer"
    missing = [] if name else [f"--writer ({'; '.join(f'{key}: {one.about}' for key, one in WRITERS.items())})"]
    step = given if given is not None or found is None or found.writer != name else found.step
    timed = any(node.type == DELAY for node in graph.real)
    stated = any(node.type in NEURONS for node in graph.real)
    if step is None and (name is None or timed or (stated and WRITERS[name].needs_step)):
        missing.append("--dt, how long a step lasts, as 1ms")
    choices = tuple(RESETS) if name is None else WRITERS[name].resets
    reset = options.reset or (choices[0] if len(choices) == 1 or not spiking else None)
    if reset is None:
        missing.append(f"--reset ({'; '.join(f'{key}: {RESETS[key]}' for key in choices)})")
    if missing:
        raise BasaltError(
            f"{options.file} does not say what is needed, and it is not guessed; give {', and '.join(missing)}."
        )
    assert name is not None and reset is not None
    if reset not in choices:
        raise BasaltError(f"--reset {reset!r} is none that {name} has; choose from {', '.join(choices)}.")
    meaning = Meaning(WRITERS[name], step if step is not None else 1.0, reset, options.nearest)
    return Understood(name, why, meaning, step)


def known(name: str | None, names: Any, option: str) -> None:
    """Raise where an option is none of the known names."""
    if name is not None and name not in names:
        raise BasaltError(f"{option} {name!r} is not known; choose from {', '.join(names)}.")


def duration(word: str | None) -> float | None:
    """Seconds of "1ms", "100us" or "0.001".

    Raises:
        BasaltError: it is something else.
    """
    if word is None:
        return None
    match = DURATION.fullmatch(word.strip())
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not SHORTEST <= seconds <= LONGEST:
        raise BasaltError(f"--dt {word!r} is no duration; give one as 1ms, 100us or 0.001 (seconds).")
    return seconds
