"""Publishing: messages go to Kafka in order; a disk buffer holds them while Kafka is unreachable."""
