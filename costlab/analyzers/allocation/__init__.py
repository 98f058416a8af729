"""Whose cost is it: shared costs split so that nothing is lost, unit costs, and what tags leave open."""
