"""The demo: sample messages travel through the real connectors, servers and streams, and are accounted for."""
