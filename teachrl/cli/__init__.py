"""The command line ``teachrl``: one command a file, nothing heavy imported before a command needs it."""
