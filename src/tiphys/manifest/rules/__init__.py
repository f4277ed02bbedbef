"""What must hold between the parts of a manifest: names, templates, arguments, order, references.

Each module reports on one concern and knows nothing of YAML. The rules are those of Argo's
validation, and what Argo finds only when the workflow runs. Fields were checked before.
"""
