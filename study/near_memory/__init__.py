"""The near-memory core without each of its mechanisms."""
