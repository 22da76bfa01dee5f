"""What sends, and where it hangs: registry, installations, profiles, decoders."""
