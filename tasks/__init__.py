"""The steps of the pipeline: Prefect tasks on top, and below them domain code that knows no Prefect."""
