"""Spiking networks that remember, from training to a deployment that provably computes the same, every joule accounted.

net = basalt.read("model.net")              # or from_run, from_nir, from_slayer
result = net.run(spikes, labels)            # on a backend
result.price()["near-memory-22nm"].joule    # by process and action
net.verify(spikes)                          # spike for spike
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from basalt import lava_on_today

if TYPE_CHECKING:
    from basalt.deploy.library.model import Model as Model
    from basalt.deploy.library.sources import from_nir as from_nir
    from basalt.deploy.library.sources import from_run as from_run
    from basalt.deploy.library.sources import from_slayer as from_slayer
    from basalt.deploy.library.sources import read as read

__version__ = "0.1.0"

LIBRARY = {
    "read": "basalt.deploy.library.sources",
    "from_run": "basalt.deploy.library.sources",
    "from_nir": "basalt.deploy.library.sources",
    "from_slayer": "basalt.deploy.library.sources",
    "Model": "basalt.deploy.library.model",
    "BasaltError": "basalt.errors",
}
"""What `basalt` offers beside its modules → where it is; imported when asked for, so that `import basalt` is quick."""


def __getattr__(name: str) -> Any:
    if name not in LIBRARY:
        raise AttributeError(f"module 'basalt' has no attribute {name!r}")
    return getattr(import_module(LIBRARY[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *LIBRARY])


lava_on_today.install()
