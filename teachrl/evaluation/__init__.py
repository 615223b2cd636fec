"""Evaluation on frozen test sets, videos, snapshot collection and explanations of a teacher's choices."""
