"""What the SDK is made of."""
