"""`hotline learn`: local models from the city's own archive; none is ever shipped, and nothing leaves the machine."""
