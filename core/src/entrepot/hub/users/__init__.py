"""People who sign in and machines that call the API."""
