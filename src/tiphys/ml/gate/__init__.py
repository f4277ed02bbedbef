"""May the challenger replace the champion? A pure answer from a spec and measured numbers.

A refused model is a result, not an error: `judge` returns a decision either way. Knows no model
format, no registry and no server: whoever calls it has measured. Numpy only.
"""
