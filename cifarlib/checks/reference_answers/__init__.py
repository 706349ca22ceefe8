"""Right answers as functions, for checks to compare with."""
