"""What several runs say together: estimates with intervals, comparisons, curves, and what became of the tasks."""
