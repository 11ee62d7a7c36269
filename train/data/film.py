"""From images to cached event sets, for the data sets that go through the simulated camera."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64, UInt8

from basalt.train.data.cache import cached, hash_of, key_of, stored
from basalt.train.data.config import DataConfig
from basalt.train.data.events import EventSet, bin_events

Images = UInt8[np.ndarray, "n 28 28"]
FINE_MS = 1.0
"""A film with steps of that length, if there is one, gives those with longer steps without filming again."""


def film(
    name: str,
    images: Images | Callable[[], Images],
    labels: Int64[np.ndarray, "n"],
    which: Int64[np.ndarray, "m"],
    config: DataConfig,
    *,
    source: str,
    first_stream: int = 0,
) -> EventSet:
    """The chosen images through the camera, binned; from the cache if they were filmed before.

    Args:
        name: of the cache file and the progress bar.
        images: the whole source, or a function that reads it (called only when something has to be filmed).
        labels: of the whole source.
        which: positions to film, in this order.
        config: camera, steps and seed.
        source: a fingerprint of the source.
        first_stream: added to a position to give its random stream, so that two parts of a source differ.
    """
    chosen, camera = hash_of(which), config.camera.model_dump(mode="json")

    def key(steps: int, step_ms: float) -> str:
        return key_of(
            camera=camera,
            steps=steps,
            step_ms=step_ms,
            seed=config.seed,
            source=source,
            which=chosen,
            first_stream=first_stream,
        )

    def build() -> EventSet:
        factor = round(config.step_ms / FINE_MS)
        if factor > 1 and factor * FINE_MS == config.step_ms:
            fine = stored(name, key(config.steps * factor, FINE_MS))
            if fine is not None:
                return fine.rebinned(factor)
        from basalt.train.data.camera import simulate
        from basalt.train.data.progress import progress

        with progress(f"Filming {name}", len(which)) as advance:
            raw = simulate(
                (images() if callable(images) else images)[which],
                which + first_stream,
                config.camera,
                seed=config.seed,
                advance=advance,
            )
        return bin_events(raw, labels[which], which, steps=config.steps, step_ms=config.step_ms)

    return cached(name, key(config.steps, config.step_ms), build)
