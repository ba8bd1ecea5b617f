"""Time model, counters, KPIs and indicators: from samples to evidence."""
