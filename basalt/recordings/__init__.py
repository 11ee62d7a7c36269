"""Recordings of event cameras in the formats of their makers, read by name; `read.READERS` has a row for each.

Every reader states what a file needs before it takes memory for it, executes nothing that a file holds, and turns
whatever is wrong with it into one sentence that names it.
"""
