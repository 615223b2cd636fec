"""Speed measurements: each module has `measure() -> dict[str, float]` and runs with ``python -m benchmarks.<name>``."""
