"""The state machine: (state, event) to (state, actions). No clock, process, thread or file."""
