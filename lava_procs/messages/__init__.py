"""Layers that take messages with a value: sigma-delta layers, their inputs and outputs."""
