"""Numerics without cloud words."""
