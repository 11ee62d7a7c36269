"""NIR files (neuroir.org), the networks of other frameworks: read, mapped to Basalt's neurons, made integers."""
