"""Whether all that an export needs is there.

Every check runs, none stops another, and each is a value with an id that stays. What may not be
looked at is neither passed nor failed. Nothing is changed.
"""
