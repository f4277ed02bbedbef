"""A real Argo: the verbs of `runtime` through Argo Server, and Kubernetes where it may be asked."""
