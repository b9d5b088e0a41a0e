"""From source records to drafts of what would be written."""
