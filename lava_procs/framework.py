"""What processes and process models are built of: Lava's own classes, or stand-ins where Lava is not installed.

With Lava a network is a graph of Lava processes, on either runtime; without it, the same processes and models run on
the runtime `direct` alone (`basalt/deploy/direct.py`).
"""

from basalt.extras import lava_here

if lava_here():
    from lava.magma.core.decorator import implements, requires, tag
    from lava.magma.core.model.py.model import PyLoihiProcessModel
    from lava.magma.core.model.py.ports import PyInPortVectorDense, PyOutPort
    from lava.magma.core.model.py.type import LavaPyType
    from lava.magma.core.model.sub.model import AbstractSubProcessModel
    from lava.magma.core.process.ports.ports import InPort, OutPort
    from lava.magma.core.process.process import AbstractProcess, ProcessParameters
    from lava.magma.core.process.variable import Var
    from lava.magma.core.resources import CPU
    from lava.magma.core.sync.protocols.loihi_protocol import LoihiProtocol
else:
    from basalt.lava_procs.stand_in import (
        CPU,
        AbstractProcess,
        AbstractSubProcessModel,
        InPort,
        LavaPyType,
        LoihiProtocol,
        OutPort,
        ProcessParameters,
        PyInPortVectorDense,
        PyLoihiProcessModel,
        PyOutPort,
        Var,
        implements,
        requires,
        tag,
    )

__all__ = [
    "CPU",
    "AbstractProcess",
    "AbstractSubProcessModel",
    "InPort",
    "LavaPyType",
    "LoihiProtocol",
    "OutPort",
    "ProcessParameters",
    "PyInPortVectorDense",
    "PyLoihiProcessModel",
    "PyOutPort",
    "Var",
    "implements",
    "requires",
    "tag",
]
