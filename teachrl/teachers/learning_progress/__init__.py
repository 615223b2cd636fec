"""Teachers that sample tasks on which learning progress is high."""
