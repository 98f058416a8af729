"""Loaders and charts shared by the dashboard pages."""
