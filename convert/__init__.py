"""From a trained network to a netx HDF5 file that holds integers only."""
