"""Are the data what the suite says? A suite is JSON in git; Great Expectations looks.

Only `gx` imports Great Expectations: it takes seconds and hundreds of megabytes.
"""
