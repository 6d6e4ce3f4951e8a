"""What the screen says: pure functions from a scene to lines of text and ink. Nothing here knows Textual."""
