"""Non-spiking integrators that name the class."""
