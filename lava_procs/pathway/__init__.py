"""A memory pathway of a spiking layer, of any kind."""
