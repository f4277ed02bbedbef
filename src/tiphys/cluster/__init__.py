"""A real Argo: the verbs of `runtime` through Argo Server."""
