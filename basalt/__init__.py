"""What every folder of Basalt shares: errors, atomic files, folders and the command line."""

__version__ = "0.1.0"
