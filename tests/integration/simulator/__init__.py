"""The Genesys simulator alone, without the pipeline."""
