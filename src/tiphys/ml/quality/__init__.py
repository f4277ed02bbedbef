"""Are the data what the suite says? A suite is JSON in git; behind a port Great Expectations.

Only `gx` imports Great Expectations: it takes seconds and hundreds of megabytes.
"""

import os

# Read by Great Expectations while it is imported, so it must stand before `gx` is.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
