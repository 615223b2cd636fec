"""Vectorised rollouts in which every episode gets its task at its own reset."""
