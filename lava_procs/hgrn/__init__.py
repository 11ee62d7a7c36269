"""A hierarchically gated recurrent memory beside the fast spikes of a layer."""
