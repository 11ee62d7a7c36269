"""From counts to joules: price tables with a source for every entry, and the arithmetic that applies them."""
