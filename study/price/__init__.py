"""What studies' networks cost: events, operations and energy."""
