"""One live ticket, its keys and the limits of its snapshot: plain data below every other package of tickets."""
