"""What the steps compute. Knows no Argo and no Hera; each part is imported only in its own step."""
