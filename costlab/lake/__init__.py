"""The immutable lake: revisions, manifests, publish, restatements, retention."""
