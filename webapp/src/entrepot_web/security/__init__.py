"""Headers, rate limits and forgery protection."""
