"""Iceberg tables by pyiceberg: their files, commits and former states."""
