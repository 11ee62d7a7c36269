"""A mapping in figures: against other placements, and as mapping.json has it."""

from typing import Any

import numpy as np

from basalt.deploy.mapping.mesh import PORT
from basalt.deploy.mapping.partition import DECIMALS, INPUT, Piece
from basalt.deploy.mapping.placement import UNITS, fill, lower_bound, shuffled
from basalt.deploy.mapping.result import Mapped
from basalt.near_memory.core import Core
from basalt.near_memory.geometry import memories

SHUFFLES = 20
"""Random placements that a mapping is compared with."""


def comparison(mapped: Mapped, shuffles: int = SHUFFLES) -> dict[str, float | None]:
    """Hops per mean step: of this placement, in snake order, at random (mean and least), and what none can go below."""
    problem = mapped.problem
    snake = fill(problem, mapped.mesh.snake())
    random = [
        problem.cost(shuffled(problem, mapped.places, np.random.default_rng([mapped.seed, number]))) / UNITS
        for number in range(shuffles)
    ]
    alone = len(set(mapped.places.tolist())) == len(mapped.pieces)
    return {
        "placed": mapped.hops,
        "snake": None if snake is None else problem.cost(snake) / UNITS,
        "random_mean": float(np.mean(random)),
        "random_least": min(random),
        "lower_bound": lower_bound(problem) / UNITS if alone else None,
    }


def kib(core: Core, piece: Piece) -> float:
    """What the memories of a piece are in all, its registers among them."""
    return round(sum(memory.kib for memory in memories(core, piece.sizes).values()), DECIMALS)


def mapping_file(mapped: Mapped, steps: int | None) -> dict[str, Any]:
    """Content of mapping.json.

    Args:
        steps: of an inference, None if unknown.
    """
    mesh = mapped.mesh
    hops = mapped.hops_of_spikes()
    busiest, latest = (max(cycles, key=cycles.__getitem__) for cycles in (mapped.cycles, mapped.longest))
    link = max(mapped.links, key=lambda link: mapped.links[link], default=None)
    return {
        "format": "basalt-mapping",
        "version": 1,
        "network": mapped.network,
        "core": mapped.core.name,
        "mesh": {"rows": mesh.rows, "columns": mesh.columns, "cores": mesh.cores},
        "seed": mapped.seed,
        "input": {
            "place": mesh.place(PORT),
            "features": len(mapped.rates[INPUT]),
            "spikes_per_step": round(float(mapped.rates[INPUT].sum()), DECIMALS),
            "hops_per_spike": int(hops[INPUT][0]),
        },
        "pieces": [
            {
                "layer": piece.layer,
                "first": piece.first,
                "neurons": piece.neurons,
                "place": mesh.place(int(core)),
                "spikes_per_step": round(piece.fired, DECIMALS),
                "arriving_per_step": round(piece.arriving, DECIMALS),
                "cycles_per_step": piece.cycles,
                "longest_step_cycles": piece.longest,
                "memory_kib": kib(mapped.core, piece),
                "hops_per_spike": int(hops[piece.layer][piece.first]),
            }
            for piece, core in zip(mapped.pieces, mapped.places)
        ],
        "links": [
            {"from": mesh.place(begin), "to": mesh.place(end), "spikes_per_step": spikes}
            for (begin, end), spikes in sorted(mapped.links.items())
        ],
        "hops_per_step": comparison(mapped),
        "hops_per_inference": None if steps is None else mapped.hops * steps,
        "busiest_core": {"place": mesh.place(busiest), "cycles_per_step": mapped.cycles[busiest]},
        "longest_step": {"place": mesh.place(latest), "cycles": mapped.longest[latest]},
        "busiest_link": None
        if link is None
        else {"from": mesh.place(link[0]), "to": mesh.place(link[1]), "spikes_per_step": mapped.links[link]},
    }
