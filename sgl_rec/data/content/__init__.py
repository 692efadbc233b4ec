"""What is known of an item beside who touched it: its texts, and vectors that were made elsewhere."""
