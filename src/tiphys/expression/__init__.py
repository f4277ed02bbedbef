"""Tags, expressions, conditions and `depends`, evaluated as Argo Workflows v4.0.7 evaluates them.

Law: pure. No clock, no dice, no files: `Environment` brings the time and the seed. The only
error is `ExpressionError`, which shows the place with a caret. Where Go and Python differ
(64-bit integers, bytes in strings, layouts of dates), Go is right.
"""

from tiphys.expression.ancestry import depends, depends_tasks
from tiphys.expression.environment import Environment
from tiphys.expression.evaluator import evaluate
from tiphys.expression.faults import ExpressionError, MissingNameError
from tiphys.expression.scope import Scope
from tiphys.expression.substitution import Strict, substitute, tags, under
from tiphys.expression.when import condition

__all__ = [
    "Environment",
    "ExpressionError",
    "MissingNameError",
    "Scope",
    "Strict",
    "condition",
    "depends",
    "depends_tasks",
    "evaluate",
    "substitute",
    "tags",
    "under",
]
