"""Students that wrap the algorithms of Stable-Baselines3."""
