"""The run directory and its checkpoints: the only package that knows the names of a run's files."""
