"""The validated experiment: settings, YAML and the registries of names."""
