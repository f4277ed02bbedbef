"""YAML to frozen values that know file, line and column.

Pure: no I/O but reading the files it is given.
"""
