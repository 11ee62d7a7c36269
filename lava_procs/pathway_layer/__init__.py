"""A spiking layer with a memory pathway, whichever."""
