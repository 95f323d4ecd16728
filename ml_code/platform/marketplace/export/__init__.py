"""From a workspace's registry into the archive: what to take, all of it, once."""
