"""Stepping: the two passes, step by step - as data, as a page to walk through, as a film."""
