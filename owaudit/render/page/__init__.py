"""What the HTML page shows, section by section, as values that the templates only write out."""
