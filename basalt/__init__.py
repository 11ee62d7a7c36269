"""What every folder of Basalt shares: errors, atomic files, folders and the command line."""

from basalt import lava_on_today

__version__ = "0.1.0"

lava_on_today.install()
