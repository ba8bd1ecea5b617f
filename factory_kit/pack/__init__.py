"""Data products: from the store to a described, graded, de-identified, quality-scored folder, ready to be sealed."""
