"""Collection: the only part that touches a plant. Points → requests (plan), words → values (decode), tasks and clock (run)."""
