"""The study of memory-augmented vision models (arXiv 2603.08730, arXiv 2512.18575)."""
