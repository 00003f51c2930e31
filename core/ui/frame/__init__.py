"""What every page shares: navigation, sign-in, cached reads, choices in the address, errors."""
