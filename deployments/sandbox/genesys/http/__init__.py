"""The simulator's HTTP: the application, its endpoints, tokens, limits and refusals."""
