"""What a network is made of: one frozen record per mechanism, with its equation, its limits and its integer step."""
