"""What is decided about messages together: pure functions, so that the same log gives the same tickets."""
