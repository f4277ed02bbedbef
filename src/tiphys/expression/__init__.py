"""Tags, expressions, conditions and depends, as Argo evaluates them. Pure."""
