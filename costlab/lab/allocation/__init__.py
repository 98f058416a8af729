"""Allocation as people ask for it: rules from a file, SQL over the rollups, answers."""
