"""What everything made from a reconstruction carries."""

MARK = "SYNTHETIC, not an acquired CT; research use only"
"""Shown on pictures and reports, kept in nodes and files."""
