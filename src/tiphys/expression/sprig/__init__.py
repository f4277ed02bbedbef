"""sprig 3.3's generic functions, as Argo offers them: without `env` and `expandenv`. All pure.

Law: as in `library`. What would need certificates, keys, the network or a shell is not here.
"""

from tiphys.expression.calls import Function

FUNCTIONS: dict[str, Function] = {}
