"""Input values as bytes: what an affine input takes, on the grid that it was trained on, and what synapses take."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Integer

from basalt.errors import BasaltError
from basalt.opening import memory_limit, too_large
from basalt.records.delta import MESSAGE_BITS, VALUE_BITS, Delta, DeltaInput
from basalt.records.layer import Layer
from basalt.records.network import Foreign
from basalt.records.readout import SUM_MAX
from basalt.records.synapses import FRACTION_MAX, Encoder

BLOCK = 1 << 22
"""Values that are looked at together."""
GRID = 5
"""Fraction bits that SLAYER's input block rounds values to: multiples of 1/32, clamped to −4 … 3.96875."""


@dataclass(frozen=True, eq=False)
class Taken:
    """Input values as a network takes them.

    Attributes:
        first: the network's first layer, for these values.
        values: bytes; integers of 32 bits where a sigma-delta layer takes more.
        notices: what became of the values that were given, one sentence per change.
    """

    first: Layer | None
    values: Integer[np.ndarray, "samples features steps"]
    notices: tuple[str, ...] = ()


def take(first: Layer | None, values: np.ndarray, fraction: int | None, as_trained: bool, path: Path | str) -> Taken:
    """Input values as bytes, and the layer that takes them.

    Synapses take integers 0 … 255, those of sigma-delta layers bytes with or without a sign. An affine or sigma-delta
    input takes real numbers: those of a file that SLAYER wrote are rounded to 1/32 and clamped to −4 … 3.96875, as
    SLAYER's input block does it in training; of others they must be exact with 8 bits and at most 6 fraction bits. What
    is exact without fractions is left as it is: integers alone are real numbers to an affine input, and multiples of
    1/64 to a sigma-delta input, as to stock lava-dl.

    Args:
        first: the network's first layer; None for synapses.
        fraction: of integers, the number of their bits that are fraction bits; None where nothing is said.
        as_trained: the file is one that SLAYER wrote.

    Raises:
        BasaltError: the layer cannot take a value.
    """
    if values.dtype.kind not in "buif":
        raise BasaltError(f"{path}: `spikes` must be integers from 0 to 255, not {values.dtype}.")
    if fraction is not None and (values.dtype.kind == "f" or not 0 <= fraction <= 30):
        raise BasaltError(f"{path}: `fraction` is for integers, and 0 to 30; it is {fraction} beside {values.dtype}.")
    real = fraction is not None or values.dtype.kind == "f"
    if isinstance(first, Encoder) or (isinstance(first, DeltaInput) and real):
        return affine(first, values, fraction, as_trained, path)
    if fraction:
        check_room(values, path)
        values = np.ldexp(values.astype(np.float64), -fraction)
    takes_signs = isinstance(first, Foreign | Delta)
    low, high = (-128, 127) if takes_signs and values.min() < 0 else (0, 255)
    if isinstance(first, Delta) and values.dtype.kind in "ui" and (values.min() < low or values.max() > high):
        return wide(first, values, path)
    found = np.empty(values.shape, dtype=np.uint8)
    rows = max(1, BLOCK // max(1, values[0].size))
    for begin in range(0, len(values), rows):
        part = values[begin : begin + rows]
        wrong = ~((part >= low) & (part <= high))
        if part.dtype.kind == "f":
            wrong |= np.floor(part) != part
        if wrong.any():
            raise BasaltError(f"{path}: `spikes` must be integers from {low} to {high}, and holds {part[wrong][0]:g}.")
        found[begin : begin + rows] = part.astype(np.int16).astype(np.uint8)
    if isinstance(first, Foreign | Delta):
        first = replace(first, signed=low < 0)
    return Taken(first, found)


def wide(first: Delta, values: np.ndarray, path: Path | str, notices: tuple[str, ...] = ()) -> Taken:
    """Integers of more than 8 bits, whose changes and sums 32 bits hold.

    Raises:
        BasaltError: they do not.
    """
    most = (1 << MESSAGE_BITS - 1) - 1
    if isinstance(first, DeltaInput):
        most = (SUM_MAX // 2 - (abs(first.offset) << VALUE_BITS)) // ((abs(first.weight) << VALUE_BITS) or 1)
        most = min(SUM_MAX, most << first.fraction)
    furthest = max(int(values.max()), -int(values.min()))
    if furthest > most:
        raise BasaltError(
            f"{path}: `spikes` reach to {furthest:,}, more than the {most:,} that layer {first.name!r} takes."
        )
    return Taken(replace(first, signed=True), values.astype(np.int32), notices)


def check_room(values: np.ndarray, path: Path | str) -> None:
    """Raise where values as real numbers, and what they are rounded to, would not fit."""
    size = 2 * values.size * np.dtype(np.float64).itemsize
    if size > memory_limit():
        raise too_large(path, "`spikes`, in real numbers, ", size, memory_limit())


def affine(
    first: Encoder | DeltaInput, values: np.ndarray, fraction: int | None, as_trained: bool, path: Path | str
) -> Taken:
    """Input values of an affine or sigma-delta input."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise BasaltError(f"{path}: `spikes` holds {values[~np.isfinite(values)][0]:g}, which no input can be.")
    raw = values.dtype.kind != "f" and fraction is None  # of an affine input
    if raw and values.min() >= 0 and values.max() <= (3 if as_trained else 255):
        return Taken(first, values.astype(np.uint8))
    check_room(values, path)
    bits = first.fraction if raw else fraction or 0
    given = values.astype(np.float32) if as_trained and values.dtype.kind == "f" else values  # as SLAYER is given it
    real = np.ldexp(given.astype(np.float64), -bits)
    notices: tuple[str, ...] = ()
    if as_trained:
        whole = np.clip(np.rint(real * (1 << GRID)), -128, 127)
        notices = rounded(real, whole / (1 << GRID))
        bits = GRID
    else:
        whole = np.rint(real * (1 << FRACTION_MAX))
        if not np.array_equal(whole, real * (1 << FRACTION_MAX)):
            odd = real[whole != real * (1 << FRACTION_MAX)][0]
            raise BasaltError(
                f"{path}: `spikes` holds {odd:g}; an affine input takes multiples of 1/{1 << FRACTION_MAX}."
            )
        bits = FRACTION_MAX
    integers = whole.astype(np.int64)
    while bits and not np.any(integers & 1):
        integers, bits = integers >> 1, bits - 1
    signed = bool(integers.min() < 0)
    low, high = (-128, 127) if signed else (0, 255)
    beyond = integers.min() < low or integers.max() > high
    if beyond and isinstance(first, DeltaInput):
        return wide(replace(first, fraction=bits), integers, path, notices)
    if beyond:
        raise BasaltError(
            f"{path}: `spikes` reach from {real.min():g} to {real.max():g} in steps of 1/{1 << bits}, which are more "
            f"than the 8 bits that an affine input takes."
        )
    return Taken(replace(first, fraction=bits, signed=signed), integers.astype(np.uint8), notices)


def rounded(real: np.ndarray, became: np.ndarray) -> tuple[str, ...]:
    """What SLAYER's quantisation did to values, if anything."""
    changed = real != became
    if not changed.any():
        return ()
    worst = np.unravel_index(np.argmax(np.abs(real - became)), real.shape)
    return (
        f"{np.count_nonzero(changed):,} of {real.size:,} input values were rounded to 1/32 and clamped to "
        f"−4 … 3.96875, as SLAYER's input block does in training: {real[worst]:g} became {became[worst]:g}.",
    )
