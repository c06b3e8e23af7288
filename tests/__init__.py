"""Tests: a tutorial, units, integration, infrastructure; and two programs, faults and benchmarks."""
