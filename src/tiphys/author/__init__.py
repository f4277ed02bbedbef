"""Python to manifest: typed functions become templates, calls become tasks. The only Hera importer.

A pipeline is checked while its file is loaded; what comes out are ordinary Hera objects.
"""

from tiphys.author import access, retries
from tiphys.author.metrics import Count, Gauge
from tiphys.author.parameter import Parameter
from tiphys.author.pipeline import Pipeline
from tiphys.author.step import StepTemplate, template
from tiphys.manifest.profile import Profile

__all__ = [
    "Count",
    "Gauge",
    "Parameter",
    "Pipeline",
    "Profile",
    "StepTemplate",
    "access",
    "retries",
    "template",
]
