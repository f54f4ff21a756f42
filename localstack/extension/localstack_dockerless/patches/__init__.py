"""All changes to LocalStack that no plugin point allows, each with its reason."""
