"""Pages in a browser, over the same use cases as the command line; nothing is loaded from elsewhere."""
