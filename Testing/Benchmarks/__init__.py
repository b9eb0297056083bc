"""`./run benchmark`: how fast this is, each figure a ratio to a peer that was measured in turn with it, in one run."""
