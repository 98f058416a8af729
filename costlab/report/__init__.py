"""Answers written out: tables, JSON, CSV, Markdown, HTML."""
