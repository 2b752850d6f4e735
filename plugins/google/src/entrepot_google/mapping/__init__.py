"""Google's words as the model's; pure functions."""
