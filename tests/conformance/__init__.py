"""The same networks on every implementation."""
