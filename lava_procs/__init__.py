"""Basalt's Lava processes: a folder per kind, each with its process and its models."""
