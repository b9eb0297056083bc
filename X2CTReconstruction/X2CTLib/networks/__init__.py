"""The networks of the paper that make a CT cube of radiographs."""
