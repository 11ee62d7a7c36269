"""Compiled loops of a layer through time; its spikes may feed back into its own current, through a matrix V.

V is dense, diagonal or zero. The current u wraps at 24 bits. The current of step t is that of the feed-forward layer
plus V s[t−1]; backwards, gs[t] gains Vᵀ gu[t+1]. That product of matrices can grow past all floats: gv is held within
±LARGEST_GRADIENT, so that a gradient which explodes ends as a long step that clipping shortens, and not as no number.

`adaptation` (3, neurons) is what adaptive neurons keep of b and r, and the step of their threshold. Of others it is
None: numba leaves out what asks for it then, and only so do the lanes of a processor take several neurons at once. So
it is with `rests`, the steps after a spike in which the membrane stays as it is, and with `passed`, which is that of
`Constants`. Thresholds and reset amounts are (neurons,).
The voltage that is kept is v' − b' − r' then, as far from the resting threshold as v' is from the raised one: so the
way back is the same, and the threshold passes no gradient, as in SLAYER.
"""

import numpy as np
from numba import njit, prange

from basalt.train.dynamics.scalars import adapt, rested, step

LARGEST_GRADIENT = 1e9
"""Sums of its products, and of their squares, still fit a float, and no useful gradient is larger."""


@njit(inline="always")
def _held(gradient):  # type: ignore[no-untyped-def]
    return min(max(gradient, np.float32(-LARGEST_GRADIENT)), np.float32(LARGEST_GRADIENT))


@njit(inline="always")
def _rested(free, spike, after, before, resting, n, rests):  # type: ignore[no-untyped-def]
    """The membrane, its spike, and the membrane after its reset: nothing new where neuron n rests."""
    if resting[n] > 0:
        resting[n] -= 1
        return before, False, before
    resting[n] = rests if spike else 0
    return free, spike, after


@njit(parallel=True, nogil=True, cache=True)
def forward_recurrent(  # type: ignore[no-untyped-def]
    current, columns, bias, keep_u, keep_v, threshold, amount, reset, rests, adaptation, spikes, voltage
):
    """Fill spikes and voltage (batch, steps, neurons); `columns` is Vᵀ, a row for each sending neuron."""
    batch, steps, neurons = current.shape
    for b in prange(batch):
        u = np.zeros(neurons, np.int64)
        v = np.zeros(neurons, np.int64)
        more = np.zeros((2, neurons), np.int64)
        resting = np.zeros(neurons, np.int64)
        feedback = np.zeros(neurons, np.float32)
        for t in range(steps):
            feedback[:] = 0
            if t > 0:
                for sender in range(neurons):
                    if spikes[b, t - 1, sender] != 0:
                        for n in range(neurons):
                            feedback[n] += columns[sender, n]
            for n in range(neurons):
                drive = np.int64((current[b, t, n] + feedback[n]) * np.float32(4096))
                raised = 0 if adaptation is None else rested(more, n, adaptation)
                level, before = threshold[n] + raised, v[n]
                u[n], free, spike, v[n] = step(
                    drive, u[n], v[n], bias[n], keep_u[n], keep_v[n], level, amount[n], reset
                )
                if rests is not None:
                    free, spike, v[n] = _rested(free, spike, v[n], before, resting, n, rests)
                if adaptation is not None and spike:
                    adapt(more, n, threshold[n], adaptation)
                spikes[b, t, n] = spike
                voltage[b, t, n] = np.float32(free - raised) / np.float32(4096)


@njit(parallel=True, nogil=True, cache=True)
def backward_recurrent(  # type: ignore[no-untyped-def]
    grad, surrogate, rows, keep_u, keep_v, passed, grad_current, grad_bias
):
    """Fill grad_current and grad_bias; `rows` is V, a row for each receiving neuron."""
    batch, steps, neurons = grad.shape
    for b in prange(batch):
        gu = np.zeros(neurons, np.float32)
        gv = np.zeros(neurons, np.float32)
        fed = np.zeros(neurons, np.float32)
        for t in range(steps - 1, -1, -1):
            fed[:] = 0
            for receiver in range(neurons):
                for n in range(neurons):
                    fed[n] += rows[receiver, n] * gu[receiver]
            for n in range(neurons):
                link = keep_v[n] if passed is None else passed[0, b, t, n]
                gv[n] = _held(link * gv[n] + surrogate[b, t, n] * (grad[b, t, n] + fed[n]))
                heard = gv[n] if passed is None else passed[1, b, t, n] * gv[n]
                gu[n] = keep_u[n] * gu[n] + heard
                grad_current[b, t, n] = gu[n]
                grad_bias[b, n] += heard


@njit(parallel=True, nogil=True, cache=True)
def forward_diagonal(  # type: ignore[no-untyped-def]
    current, own, bias, keep_u, keep_v, threshold, amount, reset, rests, adaptation, spikes, voltage
):
    """Fill spikes and voltage (batch, steps, neurons) where V is diag(own): each neuron hears itself, or zero: none."""
    batch, steps, neurons = current.shape
    for b in prange(batch):
        u = np.zeros(neurons, np.int64)
        v = np.zeros(neurons, np.int64)
        more = np.zeros((2, neurons), np.int64)
        resting = np.zeros(neurons, np.int64)
        fed = np.zeros(neurons, np.float32)
        for t in range(steps):
            for n in range(neurons):
                drive = np.int64((current[b, t, n] + fed[n]) * np.float32(4096))
                raised = 0 if adaptation is None else rested(more, n, adaptation)
                level, before = threshold[n] + raised, v[n]
                u[n], free, spike, v[n] = step(
                    drive, u[n], v[n], bias[n], keep_u[n], keep_v[n], level, amount[n], reset
                )
                if rests is not None:
                    free, spike, v[n] = _rested(free, spike, v[n], before, resting, n, rests)
                if adaptation is not None and spike:
                    adapt(more, n, threshold[n], adaptation)
                spikes[b, t, n] = spike
                voltage[b, t, n] = np.float32(free - raised) / np.float32(4096)
                fed[n] = own[n] * np.float32(spike)


@njit(parallel=True, nogil=True, cache=True)
def backward_diagonal(  # type: ignore[no-untyped-def]
    grad, surrogate, own, keep_u, keep_v, passed, grad_current, grad_bias
):
    """Fill grad_current and grad_bias where V is diag(own), or zero."""
    batch, steps, neurons = grad.shape
    for b in prange(batch):
        gu = np.zeros(neurons, np.float32)
        gv = np.zeros(neurons, np.float32)
        for t in range(steps - 1, -1, -1):
            for n in range(neurons):
                link = keep_v[n] if passed is None else passed[0, b, t, n]
                gv[n] = _held(link * gv[n] + surrogate[b, t, n] * (grad[b, t, n] + own[n] * gu[n]))
                heard = gv[n] if passed is None else passed[1, b, t, n] * gv[n]
                gu[n] = keep_u[n] * gu[n] + heard
                grad_current[b, t, n] = gu[n]
                grad_bias[b, n] += heard
