"""What is made of runs for people: rows, decisions, reasons to wait, usage, health, and a page."""
