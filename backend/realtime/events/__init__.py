"""What clients may send, one noun a file."""
