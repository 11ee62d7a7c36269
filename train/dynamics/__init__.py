"""How layers are computed while they train: on the CPU, as a loop of torch operations, on a GPU."""
