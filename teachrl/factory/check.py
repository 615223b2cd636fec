"""Checks the names in an experiment against the registries, before anything is built."""

from __future__ import annotations

from teachrl.config.experiment import Experiment
from teachrl.errors import unknown_name
from teachrl.guides.registry import guide_settings
from teachrl.students.registry import STUDENTS
from teachrl.teachers.registry import teacher_settings


def check_names(experiment: Experiment) -> None:
    """Check the teacher (name, preset, options), the guide and the student's name. Raises `UsageError`."""
    teacher = experiment.teacher
    teacher_settings(teacher.name, teacher.preset, teacher.options)
    if experiment.guide is not None:
        guide_settings(experiment.guide.name, experiment.guide.options)
    if ":" not in experiment.student.name and experiment.student.name not in STUDENTS.entries:
        raise unknown_name("student", experiment.student.name, STUDENTS.entries)
