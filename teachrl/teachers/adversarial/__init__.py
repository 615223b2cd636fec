"""Teachers that train a level designer on the regret of the students."""
