"""The analytics tables: what they hold, and how interactions become their rows."""
