"""The study of what leakage, reset and recurrence do (arXiv 2403.16674), with deployable neurons and their cost."""
