"""Teachers that train a level builder on the regret of the students."""
