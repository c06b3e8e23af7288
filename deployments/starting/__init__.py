"""Starting runs from the command line, and following them to their end."""
