"""What a student aims at on the way: sub-goals and designed rewards, while it trains and never when it is judged."""
