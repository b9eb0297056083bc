"""What the page looks like. It reads the typed state and emits signals; it knows views, but no nodes and no files."""
