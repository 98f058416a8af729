"""The typed seams between the parts: connectors, analyzers, findings."""
