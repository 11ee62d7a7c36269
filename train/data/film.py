"""From images to cached event sets, for the data sets that go through the simulated camera."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64, UInt8

from train.data.cache import cached, hash_of, key_of
from train.data.config import DataConfig
from train.data.events import EventSet, bin_events

Images = UInt8[np.ndarray, "n 28 28"]


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
    key = key_of(
        camera=config.camera.model_dump(mode="json"),
        steps=config.steps,
        step_ms=config.step_ms,
        seed=config.seed,
        source=source,
        which=hash_of(which),
        first_stream=first_stream,
    )

    def build() -> EventSet:
        from train.data.camera import simulate
        from train.data.progress import progress

        with progress(f"Filming {name}", len(which)) as advance:
            raw = simulate(
                (images() if callable(images) else images)[which],
                which + first_stream,
                config.camera,
                seed=config.seed,
                advance=advance,
            )
        return bin_events(raw, labels[which], which, steps=config.steps, step_ms=config.step_ms)

    return cached(name, key, build)
