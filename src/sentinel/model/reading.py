"""What reading the bytes of others may raise, whatever reader it is."""

UNREADABLE = (ValueError, RecursionError)
"""Not the format, not the schema, no UTF-8; or nested beyond what a stack holds."""
