"""Bridges: models of other libraries become records here, and every record proves itself against where it came from."""
