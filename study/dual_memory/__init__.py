"""The study of dual memory pathways (arXiv 2512.07602)."""
