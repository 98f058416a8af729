"""Checks on block and object storage: one file per check."""
