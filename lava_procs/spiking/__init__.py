"""Spiking neurons with dense synapses."""
