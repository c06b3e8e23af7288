"""The Genesys simulator by itself, without the pipeline."""
