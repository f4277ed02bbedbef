"""This machine: carries out what the engine decides, and keeps every run in a folder."""
