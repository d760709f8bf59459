"""What each page reads: typed, each page in a module of its own."""
