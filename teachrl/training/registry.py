"""The callbacks that can be chosen by name. Light to import."""

from __future__ import annotations

from teachrl.config.registry import Entry, Registry

CALLBACKS = Registry(
    "callback",
    {
        "tensorboard": Entry(
            "teachrl.training.tensorboard:TensorboardLogger", "event files in the run's folder, for TensorBoard"
        ),
        "csv": Entry("teachrl.training.csv_logger:CsvLogger", "the same scalars as a CSV table in the run's folder"),
    },
    group="teachrl.callbacks",
)
