"""One file = one check for money spent on nothing."""
