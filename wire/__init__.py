"""What server, gate and simulators share: the native envelope, closed lists, quality flags."""
