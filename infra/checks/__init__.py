"""The checks of `verify`, one module for each thing on the way of an event."""
