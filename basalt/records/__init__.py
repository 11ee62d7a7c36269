"""What a network is made of: a frozen record a mechanism, with its equation, its limits and its integer step."""
