"""The declaration of a filtergraph: plain, versioned data, and the words to write it."""
