"""Blob store, paths of blobs, private files, and threads for disks that block."""
