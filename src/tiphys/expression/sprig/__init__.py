"""sprig 3.3's generic functions, as Argo offers them: without `env` and `expandenv`. All pure.

Law: as in `library`. What would need certificates, keys or the network is not here, nor are the
word games (`camelcase`, `wrap` …): calling one of them is an error that says so.
"""

from tiphys.expression.calls import Function
from tiphys.expression.sprig import (
    dates,
    defaults,
    dicts,
    encoding,
    lists,
    numeric,
    regex,
    text,
    versions,
)

FUNCTIONS: dict[str, Function] = {
    **dates.FUNCTIONS,
    **defaults.FUNCTIONS,
    **dicts.FUNCTIONS,
    **encoding.FUNCTIONS,
    **lists.FUNCTIONS,
    **numeric.FUNCTIONS,
    **regex.FUNCTIONS,
    **text.FUNCTIONS,
    **versions.FUNCTIONS,
}
