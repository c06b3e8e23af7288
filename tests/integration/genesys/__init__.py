"""The Genesys client and its rate limiter over real HTTP."""
