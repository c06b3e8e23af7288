"""What is known of an interaction: in the stores, the dead-letter queue and Prefect."""
