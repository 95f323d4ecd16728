"""Who approved a deployment, by the word of the CI system that asked them."""
