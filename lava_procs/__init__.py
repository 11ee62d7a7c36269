"""Basalt's Lava processes: one folder a kind, each with its process, its models and its reference."""

import basalt  # noqa: F401  before Lava: it installs the corrections of basalt.lava_on_today
