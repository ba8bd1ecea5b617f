"""From text to definitions, with every mistake at once as ``file:line: path: what``."""
