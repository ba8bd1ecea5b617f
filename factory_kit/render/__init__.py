"""Documents out of view models: HTML, charts, Word, Excel, PDF; knows no domain."""
