"""What the pipeline costs beside other ways to do the same: `python -m tests.benchmarks`."""
