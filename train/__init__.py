"""Training: recipes, layers, the loop and evaluation. Uses SLAYER, never Lava's runtime."""

import os

# torch and numba each keep a pool of OpenMP threads. By default they spin while they wait, and on a busy machine
# take the cores from the threads that work: a step was 10 times slower. Read when OpenMP is loaded, so set first.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
