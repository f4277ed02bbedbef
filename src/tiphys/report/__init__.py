"""One static HTML page a run. No scripts; opens offline."""
