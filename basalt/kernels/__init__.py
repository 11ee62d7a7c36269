"""Arithmetic that several kinds of process share."""
