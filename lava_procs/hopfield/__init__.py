"""An associative memory beside the fast spikes of a layer."""
