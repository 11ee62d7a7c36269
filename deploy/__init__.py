"""Run exported networks on a backend, check them spike for spike, price what they did and report it."""

import basalt  # noqa: F401  before Lava: it installs the corrections of basalt.lava_on_today
