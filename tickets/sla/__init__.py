"""SLA deadlines (办理时限), their clocks, calendars and profiles."""
