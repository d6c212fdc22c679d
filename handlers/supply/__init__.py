"""What suppliers do in the chat."""
