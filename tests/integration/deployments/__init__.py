"""The commands that prepare Prefect, the blocks, the sandbox and the UI."""
