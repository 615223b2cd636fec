"""Teachers without adaptation, and hand-made curricula: the baselines of comparisons."""
