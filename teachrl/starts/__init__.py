"""Where to begin: states of simulators that episodes start from."""
