"""Asking the analytics tables in SQL."""
