"""What is understood of one message, with evidence; the rules themselves are data (`normalizers/rules/`)."""
