"""The control socket: how the desk, the command line and curl talk to the engine."""
