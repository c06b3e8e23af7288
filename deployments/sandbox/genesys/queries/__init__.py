"""The simulator's details queries: predicates, paging and order."""
