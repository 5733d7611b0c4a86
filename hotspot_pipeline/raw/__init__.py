"""Stage `raw`: extracts as they were delivered, each with its hash, feed, size and time."""
