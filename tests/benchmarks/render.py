"""Benchmark figures as a table and a plot."""

from pathlib import Path
from typing import Any

from basalt.files import atomic


def markdown(found: dict[str, Any]) -> str:
    """The whole report."""
    machine = ", ".join(f"{key} {value}" for key, value in found["machine"].items())
    lines = [
        "# Simulation",
        "",
        f"Measured {found['date']} by `python tests/benchmarks/simulate.py`, variants in turns, median of "
        f"{found['repeats']}, on: {machine}. Load when it began: {found['load']:.1f}.",
    ]
    for name, title in TITLES.items():
        if name in found:
            lines += ["", f"## {title}", "", *RENDERERS[name](found[name])]
    return "\n".join(lines) + "\n"


def variants_table(found: dict[str, Any]) -> list[str]:
    """Variants against stock netx and against the bare kernel of the same batch."""
    lines = [
        "| variant | µs a sample-step (lowest – highest) | × stock netx | × bare kernel's time | build, s |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for name, entry in found.items():
        bare = found.get(f"bare kernel, batch {entry['batch']}")
        ratio = "" if bare is None else f"{entry['us_per_sample_step'] / bare['us_per_sample_step']:.2f}"
        lines.append(
            f"| {name} | {entry['us_per_sample_step']:,.2f} ({entry['lowest']:,.2f} – {entry['highest']:,.2f}) | "
            f"{entry['times_stock']:,.1f} | {ratio} | {entry['build_seconds']:.2f} |"
        )
    return lines


def smnist_table(found: dict[str, Any]) -> list[str]:
    """Seconds, samples a second, and the memory."""
    lines = ["| variant | seconds | samples a second | build, s |", "| --- | ---: | ---: | ---: |"]
    for name, entry in found["variants"].items():
        lines.append(
            f"| {name} | {entry['seconds']:.2f} | {entry['samples_per_second']:,.0f} | {entry['build_seconds']:.2f} |"
        )
    memory = found["memory"]
    lines += [
        "",
        "Peak memory of the run's processes (`compiled`, 96 steps, one round; shared pages counted once):",
        "",
        "| batch | " + " | ".join(map(str, memory["batch"])) + " |",
        "| --- |" + " ---: |" * len(memory["batch"]),
        "| MiB | " + " | ".join(f"{value:,.0f}" for value in memory["peak_mib"]) + " |",
        "",
        f"A straight line: {memory['mib_at_0']:.0f} MiB + {memory['kib_per_sample']:.0f} KiB a sample "
        f"(R² = {memory['r_squared']:.4f}).",
    ]
    return lines


def cost_table(found: dict[str, Any]) -> list[str]:
    """Exponents and points."""
    lines = ["![cost against spike rate and width](cost.png)", ""]
    for axis, about in (("rate", "input rate, 2312–512"), ("width", "width, N–N at 2 %")):
        curve = found[axis]
        lines += [
            " | ".join(["", about, *(f"{value:g}" for value in curve["values"]), "exponent", "of the last three", ""]),
            "| --- |" + " ---: |" * (len(curve["values"]) + 2),
        ]
        for backend in ("compiled", "kernel"):
            entry = curve[backend]
            points = " | ".join(f"{value:,.2f}" for value in entry["us_per_sample_step"])
            lines.append(
                f"| {backend}, µs a sample-step | {points} | {entry['exponent']:.2f} | "
                f"{entry['exponent_of_the_largest_three']:.2f} |"
            )
        lines.append("")
    return lines[:-1]


TITLES = {
    "plain": "2312–512–512–10, T = 100, 2 % input",
    "delayed": "The same with axonal delays up to 62",
    "smnist": "S-MNIST's shape: 1–200–200–10 with slow memory, 784 steps, 1,000 samples",
    "cost": "Cost against spike rate and width (batch 128)",
}
"""Sections in order."""

RENDERERS = {"plain": variants_table, "delayed": variants_table, "smnist": smnist_table, "cost": cost_table}


def plot(curves: dict[str, Any], path: Path) -> None:
    """Two log-log panels: time of a sample-step against rate and width."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    labels = {"rate": "input spike rate (2312–512)", "width": "width N (N–N, 2 % input)"}
    figure, panels = plt.subplots(1, 2, figsize=(9, 3.6), constrained_layout=True)
    for panel, (axis, curve) in zip(panels, curves.items()):
        for backend, style in (("compiled", "o-"), ("kernel", "s--")):
            entry = curve[backend]
            name = "compiled in Lava" if backend == "compiled" else "bare kernel"
            label = f"{name}: exponent {entry['exponent']:.2f}"
            panel.loglog(curve["values"], entry["us_per_sample_step"], style, label=label)
        panel.set_xlabel(labels[axis])
        panel.set_ylabel("µs a sample-step")
        panel.grid(True, which="both", alpha=0.3)
        panel.legend()
    with atomic(path) as temporary:
        figure.savefig(temporary, dpi=110)
    plt.close(figure)
