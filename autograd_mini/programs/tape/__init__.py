"""Tape: records of numbers as instructions, for one interpreter that is compiled once for all graphs."""
