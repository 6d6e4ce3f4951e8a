"""The pieces of the screen, one idea a file."""
