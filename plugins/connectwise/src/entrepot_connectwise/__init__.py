"""ConnectWise PSA plugin for Entrepot."""
