"""The engine of X2CTGAN: arrays, tensors and files; no scene, no widgets."""
