"""The command line that deploys and verifies the AWS side, its templates, and the bridge to Prefect."""
