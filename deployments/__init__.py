"""What the flows run on: pools, queues, limits, automations, the worker and the sandbox."""
