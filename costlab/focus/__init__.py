"""FOCUS as data: columns per version, conformance rules, export profiles."""
