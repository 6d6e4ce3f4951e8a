"""What is true and what to do: pure functions and frozen values, no input or output."""
