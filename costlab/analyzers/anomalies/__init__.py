"""Anomalies: days on which cost was not what its past lets expect, gathered into incidents with causes."""
