"""The panel of the Reconstruction module, a file a section, and what the Training module's panel shares with it."""
