"""Answering questions in SQL about the tables: DuckDB, what it reads of them, and what there is."""
