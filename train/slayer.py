"""SLAYER, imported without the greetings it prints.

`from basalt.train.slayer import slayer` is the only way the rest of `train` reaches it.
"""

import contextlib
import io
import warnings

import torch

with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    warnings.simplefilter("ignore")
    import lava.lib.dl.slayer as slayer
    from lava.lib.dl.slayer import jitconfig

if torch.cuda.is_available():
    # SLAYER compiles its CUDA kernels for '8.0' on every newer card; ask for the card that is there.
    jitconfig.TORCH_CUDA_ARCH_LIST = "{}.{}".format(*torch.cuda.get_device_capability())

__all__ = ["slayer"]
