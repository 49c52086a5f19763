"""What each role does with what it receives; one file a role."""
