"""Teachers that keep a buffer of levels and replay them by score."""
