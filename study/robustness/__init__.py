"""How well a trained network stands what changes its input or its weights: attacks, corruptions, loss landscapes.

Everything here takes a callable from inputs to logits, such as `train.networks.Network`, and leaves it as it was.
"""
