"""Rewards that are designed so that a student learns sooner, where the model of the environment is known."""
