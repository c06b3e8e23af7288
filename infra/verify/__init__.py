"""The checks of `verify`: one module for each system on the path of an event."""
