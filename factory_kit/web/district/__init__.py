"""The district's pages: providers send bundles, officers review and publish, readers see statistics."""
