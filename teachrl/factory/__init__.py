"""Builds the environment, the teacher and the student of an experiment."""
