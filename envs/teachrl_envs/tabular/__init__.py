"""Small environments whose whole model is known: transitions, rewards, and what is best."""
