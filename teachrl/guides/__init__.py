"""Guides help a student within an episode, in training and never in evaluation: sub-goals and designed rewards."""
