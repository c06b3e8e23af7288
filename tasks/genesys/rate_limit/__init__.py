"""The request limit of Genesys Cloud, as a sliding window that all workers share."""
