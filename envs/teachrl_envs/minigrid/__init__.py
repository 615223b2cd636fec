"""Levels of MiniGrid and BabyAI as tasks, with observations that are quick to build."""
