"""Task spaces, what is known about their tasks, and frozen test sets."""
