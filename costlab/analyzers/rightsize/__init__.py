"""Checks on the size and generation of machines: one file per check."""
