"""Mazes whose whole layout is the task: levels, their generators and edits, a fast engine, the environment."""
