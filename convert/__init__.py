"""From a trained network to a netx HDF5 file that holds integers only."""

import basalt  # noqa: F401  before Lava: it installs the corrections of basalt.lava_on_today
