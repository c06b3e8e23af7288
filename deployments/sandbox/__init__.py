"""The whole pipeline on one machine: emulated AWS, a simulated Genesys Cloud, a real Prefect server and worker.

Everything listens on 127.0.0.1 on a free port, lives in one folder, and is stopped again by process id.
"""
