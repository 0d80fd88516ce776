"""What the process tests share: programs as children, clients on the wire, a fake consumer."""
