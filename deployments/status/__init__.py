"""What the whole pipeline does at this moment: a module for each source, judged, and printed apart."""
