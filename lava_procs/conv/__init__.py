"""Spiking neurons with convolutions for synapses; one-to-one synapses are a kernel of size 1."""
