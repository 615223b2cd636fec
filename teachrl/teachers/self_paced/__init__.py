"""Teachers that move a distribution over tasks towards a target distribution."""
