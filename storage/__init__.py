"""The blob store, the paths of blobs, private files, and threads for blocking disks."""
