"""Imports: models that were made elsewhere become networks here."""
