"""Tests on real servers: the sandbox, the simulator, Prefect."""
