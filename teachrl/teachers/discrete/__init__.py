"""Teachers over a finite set of tasks."""
