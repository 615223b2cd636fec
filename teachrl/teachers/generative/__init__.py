"""Teachers that generate tasks with neural networks."""
