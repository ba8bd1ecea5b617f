"""The district: bundles are received against numbered rules, kept unchanged, and counted."""
