"""Conduct a comparison: run the networks, price them, and write comparison-NAMES.json and .png."""

import os
from collections.abc import Iterable

from basalt import provenance
from basalt.deploy.cores import DEFAULT, load_core
from basalt.deploy.energy.conventions import HEADLINE, step_entries
from basalt.deploy.energy.tables import load_table
from basalt.deploy.on_core import description
from basalt.deploy.options import net_file
from basalt.deploy.report.environment import versions
from basalt.files import make_folder, write_json
from basalt.progress import progress_bar
from basalt.shown import console as terminal
from basalt.study.compare.entry import Subject, entry_of
from basalt.study.compare.files import ending, names_of, place_for
from basalt.study.compare.options import TABLES, CompareOptions
from basalt.study.compare.picture import draw
from basalt.study.compare.tables import show


def conduct(options: CompareOptions) -> None:
    """Compare networks.

    Raises:
        BasaltError: one cannot be read or run.
    """
    output, step_ms = options.output, options.step_ms
    tables = options.table or list(TABLES)
    for name in tables:
        load_table(name)
    core = load_core(options.core or DEFAULT)
    make_folder(output)
    files = [net_file(run) for run in options.runs]
    names = names_of(files)
    subjects = [Subject.read(file, options.samples, options.bias_start, name) for file, name in zip(files, names)]
    check_step([subject.network.step_seconds for subject in subjects], step_ms)
    entries = []
    with progress_bar("Running networks") as update:
        for done, subject in enumerate(subjects, 1):
            entries.append(entry_of(subject, core, tables, step_ms))
            update(done, len(files))
    compared = {
        "runs": [os.path.relpath(file.resolve(), output.resolve()) for file in files],
        "samples": options.samples,
        "tables": tables,
        "core": description(core),
        "step_ms": step_ms,
        "bias_start": options.bias_start,
    }
    place = place_for(output, names, compared)
    content = {
        "format": "basalt-comparison",
        "version": 2,
        "headline": HEADLINE,
        "compared": compared,
        "samples": {entry.name: entry.samples for entry in entries},
        "core": description(core),
        "entries": [entry.plain() for entry in entries],
        "date": provenance.now(),
        "command": provenance.command(),
        "commit": provenance.commit(),
        "versions": versions(),
    }
    console = terminal()
    for entry in entries:
        for sentence in (*entry.notices, *entry.misfits):
            console.print(f"{entry.name}: {sentence}", style="yellow")
    show(console, entries)
    write_json(ending(place, ".json"), content)
    draw(ending(place, ".png"), entries, core.name)
    console.print(f"Written to {ending(place, '.json')} and {ending(place, '.png').name}.")


def check_step(given: Iterable[float | None], step_ms: float | None) -> None:
    """Refuse `--step-ms` where all networks say themselves how long a step lasts, and another time."""
    known = list(given)
    if step_ms is not None and None not in known:
        step_entries(known[0], step_ms)
