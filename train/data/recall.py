"""Delayed recall: which pattern came first? A task made here, of nothing but a configuration and a seed.

A sample, on n channels and one more for the go signal, begins with the cue: for `cue` steps the pattern of its class,
in which the channels of the class spike with the probability `rate` per step. Then comes a delay of `delay` steps, in
which `distractors` further patterns, each of another class and as long as the cue, appear at random times one after the
other. Last, the go channel spikes for `go` steps, and `response` steps follow in which nothing but noise comes. Noise
of the probability `noise` a step is on all channels all the time, but for the go channel. The class is that of the
cue.

Distractors look as the cue does: only that it came first tells it. Whoever adds up what a network sends and hears no
order is left with one of the 1 + distractors classes that appeared, so accuracies up to 1/(1 + distractors) need no
memory of order.

The patterns, `active`·n channels of each class, are drawn from the seed (numpy's RandomState, whose stream is frozen),
and so are the samples: 4,000 for training, 500 for validation, 1,000 for the test, classes taking turns.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from basalt.train.data.cache import cached, fingerprint, key_of
from basalt.train.data.config import DataConfig, RecallConfig
from basalt.train.data.events import EventSet, Splits, concatenate
from basalt.train.data.progress import progress

SIZES = {"train": 4000, "validation": 500, "test": 1000}
_CHUNK = 100


def load(config: DataConfig, data_dir: Path) -> Splits:
    """Train, validation and test samples; `data_dir` isn't used."""
    parts = {name: _made(name, config) for name in SIZES}
    task = config.recall
    return Splits(
        train=parts["train"] if config.limit is None else parts["train"].subset(slice(config.limit)),
        validation=parts["validation"],
        test=parts["test"],
        name="recall",
        classes=task.classes,
        provenance=f"generated: the first of {1 + task.distractors} patterns of {task.classes} classes, recalled after "
        f"{task.delay} steps, seed {config.seed}",
    )


def patterns(task: RecallConfig, seed: int) -> Bool[np.ndarray, "classes channels"]:
    """Which channels are active for each class; the patterns of two classes differ."""
    random = np.random.RandomState(seed)
    count = max(1, round(task.active * task.channels))
    found: list[tuple[int, ...]] = []
    while len(found) < task.classes:
        drawn = tuple(sorted(random.permutation(task.channels)[:count].tolist()))
        if drawn not in found:
            found.append(drawn)
    shown = np.zeros((task.classes, task.channels), dtype=bool)
    for row, channels in zip(shown, found, strict=True):
        row[list(channels)] = True
    return shown


def _made(name: str, config: DataConfig) -> EventSet:
    key = key_of(
        recall=config.recall.model_dump(),
        seed=config.seed,
        step_ms=config.step_ms,
        count=SIZES[name],
        code=fingerprint(Path(__file__)),
    )

    def build() -> EventSet:
        # Splits share the patterns and no random numbers.
        random = np.random.RandomState([config.seed, list(SIZES).index(name)])
        parts = []
        with progress(f"Making recall-{name}", SIZES[name]) as advance:
            for begin in range(0, SIZES[name], _CHUNK):
                index = np.arange(begin, min(begin + _CHUNK, SIZES[name]))
                parts.append(_drawn(config, random, index))
                advance(len(index))
        return concatenate(parts)

    return cached(f"recall-{name}", key, build)


def _drawn(config: DataConfig, random: np.random.RandomState, index: Int64[np.ndarray, "n"]) -> EventSet:
    task = config.recall
    shown = patterns(task, config.seed)
    labels = index % task.classes
    chance = np.full((len(index), task.channels + 1, task.steps), task.noise)
    chance[:, -1] = 0.0
    chance[:, -1, task.cue + task.delay : task.cue + task.delay + task.go] = 1.0
    for sample, label in enumerate(labels.tolist()):
        others = random.permutation(np.delete(np.arange(task.classes), label))[: task.distractors]
        free = task.delay - task.distractors * task.cue
        gaps = np.sort(random.randint(0, free + 1, task.distractors))
        begins = [0, *(task.cue + gap + task.cue * place for place, gap in enumerate(gaps))]
        for number, begin in zip((label, *others), begins, strict=True):
            chance[sample, :-1, begin : begin + task.cue][shown[number]] = task.rate
    samples, channels, steps = np.nonzero(random.random_sample(chance.shape) < chance)
    return EventSet(
        offsets=np.cumsum([0, *np.bincount(samples, minlength=len(index))]).astype(np.int64),
        features=channels.astype(np.uint16),
        times=steps.astype(np.uint16),
        labels=labels.astype(np.int64),
        steps=task.steps,
        step_ms=config.step_ms,
        index=index.astype(np.int64),
        sensor=(1, 1, task.channels + 1),
    )
