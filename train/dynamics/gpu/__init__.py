"""Layers on a GPU: one fused operation each, in Triton."""
