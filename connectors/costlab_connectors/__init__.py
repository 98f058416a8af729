"""One file = one source; the file's name is the connector's name (underscores for dashes)."""
