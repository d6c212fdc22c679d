"""Onboarding: suppliers apply in the chat with their papers, and the staff decide."""
