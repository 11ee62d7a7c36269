"""Networks at the edge of every limit, against a judge that shares no code with what it judges."""
