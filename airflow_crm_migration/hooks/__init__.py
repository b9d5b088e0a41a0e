"""How to talk to each CRM, and what each can do."""
