"""Google's JSON as typed records: only the fields that are mapped.

Numbers of 64 bits travel as texts; fields with their default value are left out
(reference §2.2). Moments stay text here: they carry up to nine digits of a second.
"""
