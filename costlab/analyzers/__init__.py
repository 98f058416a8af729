"""Recommendations and incidents: pure functions of tables and a clock."""
