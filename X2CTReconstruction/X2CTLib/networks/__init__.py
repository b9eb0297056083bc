"""The networks of the paper that a reconstruction needs."""
