"""The steps of the reference project: plain typed functions, one file each."""
