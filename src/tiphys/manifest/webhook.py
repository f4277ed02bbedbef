"""The names by which a git host's webhook is let in, for who renders it and for who looks it up."""

CLIENTS = "argo-workflows-webhook-clients"
"""The Secret in which Argo Server looks for whose signature is whose; one for the namespace."""

TEMPLATE = "webhook-secret.yaml.template"
"""The file beside `install.yaml` that it is made from. No secret is ever committed."""
