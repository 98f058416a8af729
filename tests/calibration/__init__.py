"""Calibration: bills computed again from their own usage, prices and commitments."""
