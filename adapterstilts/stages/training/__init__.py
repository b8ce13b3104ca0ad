"""Training one stage: Hugging Face's `Trainer`, what it begins with, what it keeps, and how it goes on after a kill."""
