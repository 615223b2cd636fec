"""Frozen test sets: the tasks on which a student is judged, the same for every teacher. `make` wrote them.

A file ``<name>-v<version>.json`` is never changed once published; another choice of tasks gets another version.
"""
