"""Which files arrive on which night, what is wrong with them, and their bytes on disk."""
