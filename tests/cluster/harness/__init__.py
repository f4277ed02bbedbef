"""A real Kubernetes and a real Argo on one Linux machine, for the tests and for nothing else.

Law: standard library only, root only. Everything that is started, mounted or made lies below the
state directory or carries its name, so that `down` can remove it; nothing else is ever touched.
Start-up order is `up.py`; every other module is one part of the cluster and knows no other part.
"""
