"""The scale family: what each further stream costs."""
