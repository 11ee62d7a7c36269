"""Basalt's Lava processes: one folder a kind, each with its process, its models and its reference."""
