"""Are the data what the suite says? A suite is JSON in git; behind a port Great Expectations.

Only `gx` imports Great Expectations: it takes seconds and hundreds of megabytes.
"""
