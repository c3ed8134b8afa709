"""What the figures of each chapter show, one module per chapter."""
