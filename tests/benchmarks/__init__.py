"""The cost of the pipeline beside that of other ways to do the same: `python -m tests.benchmarks`."""
