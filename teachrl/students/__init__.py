"""Students are the learning agents, behind one interface."""
