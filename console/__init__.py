"""The console (控制台): pages for people who read the archive; it decides nothing and writes only what people did."""
