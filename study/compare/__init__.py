"""Networks side by side, each on the hardware that it is meant for."""
