"""Sample estates with a ledger of truth, rendered in each vendor's native export format."""
