"""Made-up input of realistic size and shape; the same arguments give the same values."""
