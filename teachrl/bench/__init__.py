"""Suites of runs: their grid, where it is carried out, and what all runs say together."""
