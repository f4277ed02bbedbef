"""What the waiting steps of a run wait for: a function of the run and of what the cluster shows.

The Workflow object answers most of it; what only the Kubernetes API knows comes as `Evidence`.
"""

from tiphys.report.waiting.evidence import Evidence, Reason
from tiphys.report.waiting.explain import explain

__all__ = ["Evidence", "Reason", "explain"]
