"""Sub-goals: providers, encodings, and the environment wrapper that shows and rewards them."""
