"""What changes the tables: staged conversations, back-fills, erasures, names, upkeep."""
