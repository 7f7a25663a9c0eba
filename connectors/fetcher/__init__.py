"""What a callback only announces is fetched afterwards: files by their media id, the messages behind an event."""
