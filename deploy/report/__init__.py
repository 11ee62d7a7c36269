"""One self-contained HTML page about a deployment: it loads nothing from anywhere, and prints."""
