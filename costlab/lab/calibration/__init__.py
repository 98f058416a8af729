"""Calibration: every loaded bill computed again from its own usage, prices and commitments, differences shown."""
