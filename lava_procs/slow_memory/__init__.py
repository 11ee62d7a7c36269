"""A compact slow state beside the fast spikes of a layer."""
