"""Curriculum reinforcement learning: teachers decide what a student practises next."""
