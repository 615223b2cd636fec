"""Snapshot adapters: how the state of each simulator is saved and restored."""
