"""What the page looks like. It reads the typed state and emits signals; it never sees the scene or a file."""
