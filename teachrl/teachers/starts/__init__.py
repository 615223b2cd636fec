"""Teachers that choose the start state of an episode from a snapshot bank."""
