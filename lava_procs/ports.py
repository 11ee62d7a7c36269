"""Ports that move a block at the price of one copy."""

import numpy as np
from jaxtyping import Num

from basalt.lava_procs.framework import PyInPortVectorDense


class BlockInPort(PyInPortVectorDense):
    """A dense port with one sender: what it sent is received as it is, where Lava's own port adds it to zeros."""

    def recv(self) -> Num[np.ndarray, "block batch width"]:
        """The oldest block that has not been received; waits until there is one."""
        (sender,) = self.csp_ports
        return sender.recv()
