"""The peers and sample messages of `hotline demo`."""
