"""Spikes into a network from a file, and what layers send out of it into a file."""
