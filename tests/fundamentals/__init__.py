"""The product, a concept a file, in the order in which one meets them.

Each is run against the sandbox and uses what any user has: boto3, the Prefect API and its command line.
"""
