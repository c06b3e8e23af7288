"""Events on a running sandbox, from the bus to the tables."""
