"""What `doctor` looks at: a cluster, or this machine. Each finding is yielded as it is made."""
