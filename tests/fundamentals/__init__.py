"""A tutorial of the product as tests, one concept a file, in the order in which a user meets them.

Each runs on the sandbox and uses what a user has: boto3, the Prefect API and the command line.
"""
