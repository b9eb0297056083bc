"""What the page does: files, the worker process, the scene. It changes the typed state and never sees a widget."""
