"""Pages for people at a desk or with a phone: server-drawn, working without script."""
