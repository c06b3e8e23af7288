"""What a person asks about themselves: finding, exporting and erasing their interactions."""
