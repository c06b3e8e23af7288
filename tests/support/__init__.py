"""Modules that tests share: drivers of the sandbox, fakes, sample data and helper processes."""
