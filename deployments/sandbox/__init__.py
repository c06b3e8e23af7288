"""The whole pipeline on one machine: emulated AWS, a simulated Genesys Cloud, a Prefect server and a worker.

Everything listens on a free port of 127.0.0.1, keeps its files in one folder, and is stopped by process id.
"""
