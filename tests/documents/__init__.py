"""The documents, held against the tree: names, commands, links, samples."""
