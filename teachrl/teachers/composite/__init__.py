"""Teachers that are composed of other teachers."""
