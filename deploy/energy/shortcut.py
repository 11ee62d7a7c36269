"""The energy estimates that papers on spiking networks often give, apart from the account, for comparison only."""

from typing import Any

from basalt.deploy.energy.counts import Counts

ACCUMULATE_PICOJOULE, MULTIPLY_ACCUMULATE_PICOJOULE = 0.9, 4.6
"""fp32 at 45 nm: an addition; a multiplication and an addition. Horowitz, ISSCC 2014."""

LABEL = "shortcut (literature)"

EXPLANATION = (
    "Energy is taken as 0.9 pJ (an fp32 addition at 45 nm) for each spike, as if it reached one synapse, and the gain "
    "over a network that does not spike as (4.6 / 0.9) / (1 − sparsity), the sparsity being the mean over the layers. "
    "There is no fan-out, memory, neuron update, control or leakage in it. It is shown so that figures compare with "
    "papers that use it, and is part of no total."
)


def shortcut(counts: Counts) -> dict[str, Any]:
    """The shortcut's figures per inference:

        joule = spikes · 0.9 pJ,    times_ann = (4.6 / 0.9) / (1 − sparsity)

    Spikes are those of all spiking layers; sparsity is the unweighted mean over them of 1 − spikes / neuron updates.

    Returns:
        `label`, `explanation`, `spikes`, `joule`, `sparsity`, `times_ann`; the last two None without spiking layers,
        and `times_ann` None too where nothing spiked.
    """
    layers = [
        (sum(process.counters.get("spikes_out", ())), sum(process.counters["neuron_updates"]))
        for process in counts.processes
        if process.kind not in ("io", "readout") and any(process.counters.get("neuron_updates", ()))
    ]
    spikes = sum(fired for fired, _ in layers) / counts.samples
    sparsity = sum(1 - fired / updates for fired, updates in layers) / len(layers) if layers else None
    gain = MULTIPLY_ACCUMULATE_PICOJOULE / ACCUMULATE_PICOJOULE
    return {
        "label": LABEL,
        "explanation": EXPLANATION,
        "spikes": spikes,
        "joule": spikes * ACCUMULATE_PICOJOULE * 1e-12,
        "sparsity": sparsity,
        "times_ann": gain / (1 - sparsity) if sparsity is not None and sparsity < 1 else None,
    }
