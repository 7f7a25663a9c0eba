"""Personal data in a text: names, numbers, addresses to the door, accounts, and every way to write them."""
