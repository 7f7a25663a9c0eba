"""What an operator asks at night: who works, how far behind, who is silent, whom nobody has answered."""
